-- One row per outcome: counts, and why no models were compared where none were.
-- @outcome name of the outcome
-- @lookback how long before a conversion a touch still counts
-- @landmarks mature landmarks of users who are not bot-like
-- @conversions conversions in the data
-- @attributed conversions with at least one touch on their path
-- @unattributed conversions without a touch on their path
-- @periods periods that were forecast
-- @as_of instant up to which the data is complete, UTC
-- @sampled_landmarks mature landmarks of the users in the evaluation sample
-- @note why no models were compared, empty where they were
-- @cost_share share of the cost of every channel that is charged to the outcome: 1 for all of it, null for none
-- @first_forecast where the history is too short: the day from which on models can be compared
with landmarks as (
    select
        outcomes.outcome,
        count(path_events.touch) as landmarks,
        count(case when path_events.bucket < samples.buckets then path_events.touch end)
            as sampled_landmarks
    from evaluation.outcomes as outcomes
    left join evaluation.samples as samples on outcomes.outcome = samples.outcome
    left join journeys.path_events as path_events
        on outcomes.outcome = path_events.outcome
        and not path_events.is_conversion
        and path_events.happened_at <= outcomes.mature_until
        and path_events.user_key not in (select user_key from journeys.bot_like_users)
    group by outcomes.outcome
),

conversions as (
    select
        outcome,
        count(*) as conversions,
        sum(case when path_length > 0 then 1 else 0 end) as attributed
    from journeys.conversions
    group by outcome
)

select
    outcomes.outcome,
    outcomes.lookback,
    landmarks.landmarks,
    conversions.conversions,
    cast(conversions.attributed as bigint) as attributed,
    cast(conversions.conversions - conversions.attributed as bigint) as unattributed,
    outcomes.periods,
    outcomes.as_of,
    landmarks.sampled_landmarks,
    outcomes.note,
    shares.cost_share,
    outcomes.first_forecast
from evaluation.outcomes as outcomes
inner join landmarks on outcomes.outcome = landmarks.outcome
inner join conversions on outcomes.outcome = conversions.outcome
left join credit.cost_shares as shares on outcomes.outcome = shares.outcome
order by conversions.conversions desc, outcomes.outcome
