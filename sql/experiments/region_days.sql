-- Conversions and cost of the channel by region and day, for experiments with regions.
-- @region the region, a value of a column of users; null of conversions of users without one
-- @date the day, in the time zone of the data
-- @outcome name of the outcome; null for cost
-- @conversions number of conversions
-- @value their value, in the currency of the data
-- @touches number of touches of the channel
-- @cost what the touches of the channel cost
with conversions as (
    select
        regions.region,
        cast(local_time(found.converted_at) as date) as date,
        found.outcome,
        coalesce(found.value, 0) as value
    from experiments.counted_conversions as found
    left join experiments.persons as persons on found.user_id = persons.user_id
    left join experiments.regions as regions
        on coalesce(persons.person, found.user_id) = regions.person
),

touches as (
    select
        regions.region,
        cast(local_time(touchpoints.touched_at) as date) as date,
        coalesce(touchpoints.cost, 0) as cost
    from inputs.touchpoints as touchpoints
    left join experiments.persons as persons on touchpoints.user_id = persons.user_id
    inner join experiments.regions as regions
        on coalesce(persons.person, touchpoints.user_id) = regions.person
    inner join experiments.plan_channels as channels
        on touchpoints.channel = channels.channel and channels.experiment = $experiment
)

select region, date, outcome, count(*) as conversions, sum(value) as value, 0 as touches, cast(0 as double) as cost
from conversions
group by region, date, outcome
union all
select region, date, cast(null as varchar) as outcome, 0 as conversions, cast(0 as double) as value, count(*) as touches, sum(cost) as cost
from touches
group by region, date
