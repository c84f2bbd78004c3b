"""Compare a SQL rule and a scikit-learn classifier with built-in models."""

from sklearn.naive_bayes import BernoulliNB

import lydite
from lydite.models import Classifier, Rule

# The weight of a touch, as a SQL expression. docs/rivals.md explains how rules are read.
email_twice = Rule(
    name="email_twice",
    claim="every touch equally, and e-mail twice",
    expression="case when channel = 'email' then 2 else 1 end",
)
naive_bayes = Classifier(BernoulliNB())

world = lydite.simulate("linear", users=5_000, seed=1)
result = lydite.compare(
    world.touchpoints,
    world.conversions,
    models=["linear", "last_touch", email_twice, naive_bayes],
)

print(result.verdict())
print(result.table.select("rank", "model", "claim", "explained", "verdict"))
