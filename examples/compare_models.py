"""Compare models on a simulated world in which the last touch decides."""

import lydite

world = lydite.simulate("last_touch", users=5_000, seed=1)
result = lydite.compare(
    world.touchpoints,
    world.conversions,
    models=["first_touch", "last_touch", "linear", "time_decay"],
)

print(result.verdict())
print(result.table.select("rank", "model", "explained", "verdict"))
print(result.credit.filter(model="last_touch").select("channel", "conversions", "share"))

result.to_html("report.html")
