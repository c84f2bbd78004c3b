-- Counts the events that follow a touch of each channel, among mature landmarks.
-- @outcome name of the outcome
-- @from_channel channel of the touch; (start) stands for the start of a path
-- @to_channel channel of the next touch, (conversion), or (null) if neither follows within the lookback
-- @transitions number of transitions
-- @probability share of the transitions from from_channel, 0..1
with mature as (
    select
        path_events.outcome,
        path_events.channel_key,
        path_events.next_channel_key,
        path_events.converted,
        path_events.path_length = 1 as starts,
        count(*) as transitions
    from journeys.path_events as path_events
    inner join evaluation.outcomes as outcomes on path_events.outcome = outcomes.outcome
    where not path_events.is_conversion and path_events.happened_at <= outcomes.mature_until
    group by
        path_events.outcome,
        path_events.channel_key,
        path_events.next_channel_key,
        path_events.converted,
        path_events.path_length = 1
),

counted as (
    select
        mature.outcome,
        origins.channel as from_channel,
        case
            when mature.converted then '(conversion)'
            else coalesce(targets.channel, '(null)')
        end as to_channel,
        cast(sum(mature.transitions) as bigint) as transitions
    from mature
    inner join journeys.channels as origins on mature.channel_key = origins.channel_key
    left join journeys.channels as targets on mature.next_channel_key = targets.channel_key
    group by all
    union all
    select
        mature.outcome,
        '(start)' as from_channel,
        channels.channel as to_channel,
        cast(sum(mature.transitions) as bigint) as transitions
    from mature
    inner join journeys.channels as channels on mature.channel_key = channels.channel_key
    where mature.starts
    group by mature.outcome, channels.channel
)

select
    outcome, from_channel, to_channel, transitions,
    transitions / sum(transitions) over (partition by outcome, from_channel) as probability
from counted
order by outcome, from_channel, transitions desc, to_channel
