-- The next event of touches after which the user was joined with other ids: it is an event of the joined person.
-- @outcome name of the outcome
-- @user_key number of the user before
-- @touch number of the touch within that user
-- @converted whether the next event is a conversion
-- @hours_to_next hours to the next event
-- @next_channel_key channel of the next event, null for a conversion
--
-- Only the first event of a joined person may follow an event of the history. If that is a conversion,
-- the event is no next event of a touch.
with persons as (
    select users.user_key, nodes.start_key, nodes.first_leaf, nodes.last_leaf
    from people.nodes as nodes
    inner join journeys.users as users on nodes.person = users.user_id
),

with_history as (
    select
        path_events.*,
        persons.first_leaf,
        persons.last_leaf,
        3 * epoch_us(happened_at) + case when is_conversion then 2 else 0 end < persons.start_key
            as is_history,
        lag(is_conversion) over (
            partition by outcome, path_events.user_key order by happened_at, touch nulls last
        ) as follows_conversion
    from journeys.path_events as path_events
    inner join persons on path_events.user_key = persons.user_key
),

events as (
    select * from with_history where not is_history
),

numbered as (
    select
        *,
        row_number() over (
            partition by outcome, user_key order by happened_at, touch nulls last
        ) as number
    from events
),

first_events as (
    select * from numbered where number = 1
),

-- Those with a touch before them on the path, which is not a touch of the person itself.
with_previous as (
    select
        first_events.*,
        previous.touched_at as previous_at,
        previous.channel_key as previous_channel_key
    from first_events
    inner join journeys.touches as previous
        on first_events.user_key = previous.user_key
        and previous.touch >= first_events.first_touch
        and previous.touch = case
            when first_events.is_conversion then first_events.last_touch
            else first_events.touch - 1
        end
    where not first_events.follows_conversion
),

-- Of several equal touches, the last one is before the event; of several persons, the first.
candidates as (
    select
        events.outcome,
        events.user_key,
        events.touch,
        with_previous.user_key as next_user_key,
        with_previous.is_conversion as converted,
        (epoch_us(with_previous.happened_at) - epoch_us(with_previous.previous_at)) / 3.6e9
            as hours_to_next,
        with_previous.channel_key as next_channel_key,
        row_number() over (
            partition by events.outcome, with_previous.user_key
            order by events.user_key desc, events.touch desc
        ) as number
    from with_previous
    inner join events
        on with_previous.outcome = events.outcome
        and with_previous.previous_at = events.happened_at
        and with_previous.previous_channel_key = events.channel_key
        and with_previous.first_leaf <= events.first_leaf
        and with_previous.last_leaf >= events.last_leaf
        and with_previous.user_key <> events.user_key
),

ranked as (
    select
        *,
        row_number() over (
            partition by outcome, user_key, touch order by next_user_key
        ) as place
    from candidates
    where number = 1
)

select outcome, user_key, touch, converted, hours_to_next, next_channel_key
from ranked
where place = 1
