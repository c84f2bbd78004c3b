-- Sums over the clusters of users of each channel that costs money, each user counted once a week.
-- @outcome name of the outcome
-- @channel name of the channel
-- @clusters number of clusters; a user without one is a cluster alone
-- @people number of different users with a touch of the channel
-- @users users with a touch of the channel, counted once a week
-- @squared_users sum of the squares of their number per cluster
-- @conversions conversions with the channel on their path
-- @squared_conversions sum of the squares of their number per cluster
-- @products sum of users times conversions
with weekly as (
    select distinct
        channel_key,
        user_key,
        floor((epoch_us(local_time(touched_at)) - 345600000000) / 6.048e11) as week_number
    from journeys.counted_touches
),

reached as (
    select channel_key, user_key, count(*) as users from weekly group by channel_key, user_key
),

on_path as (
    select distinct outcome, channel_key, user_key, conversion from credit.touch_credit
),

converted as (
    select outcome, channel_key, user_key, count(*) as conversions
    from on_path
    group by outcome, channel_key, user_key
),

paid as (
    select distinct credit.outcome, credit.channel, channels.channel_key
    from mart.channel_credit as credit
    inner join journeys.channels as channels on credit.channel = channels.channel
    where credit.cost > 0
),

clustered as (
    select
        users.user_key,
        clusters.cluster,
        case when clusters.cluster is null then users.user_key end as alone
    from journeys.users as users
    left join journeys.clusters as clusters on users.user_id = clusters.user_id
),

by_cluster as (
    select
        paid.outcome,
        paid.channel,
        clustered.cluster,
        clustered.alone,
        count(*) as people,
        sum(reached.users) as users,
        sum(coalesce(converted.conversions, 0)) as conversions
    from paid
    inner join reached on paid.channel_key = reached.channel_key
    inner join clustered on reached.user_key = clustered.user_key
    left join converted
        on
            paid.outcome = converted.outcome
            and paid.channel_key = converted.channel_key
            and reached.user_key = converted.user_key
    group by paid.outcome, paid.channel, clustered.cluster, clustered.alone
)

select
    outcome,
    channel,
    cast(count(*) as bigint) as clusters,
    cast(sum(people) as bigint) as people,
    cast(sum(users) as bigint) as users,
    cast(sum(users * users) as bigint) as squared_users,
    cast(sum(conversions) as bigint) as conversions,
    cast(sum(conversions * conversions) as bigint) as squared_conversions,
    cast(sum(users * conversions) as bigint) as products
from by_cluster
group by outcome, channel
order by outcome, channel
