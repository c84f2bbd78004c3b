-- Spend, touches and users reached by day, channel and campaign.
-- @date day of the touches and of the spend, in the time zone of the settings
-- @channel name of the channel
-- @campaign name of the campaign, null where there is none
-- @spend what was spent, in the currency of the data; null where no spend of the channel is known
-- @touches number of touches
-- @users number of users with such a touch
--
-- The spend of a channel comes from the table of spend, or from its touches if it is not in there:
-- never from both.
with touched as (
    select
        activity.date,
        channels.channel,
        activity.campaign,
        activity.touches,
        activity.users,
        activity.cost
    from journeys.activity as activity
    inner join journeys.channels as channels on activity.channel_key = channels.channel_key
),

booked as (
    select date, channel, campaign, round(sum(cost), 6) as cost
    from journeys.spend
    where in_period
    group by date, channel, campaign
),

channels_booked as (
    select distinct channel from booked
),

rows_of_both as (
    select
        coalesce(touched.date, booked.date) as date,
        coalesce(touched.channel, booked.channel) as channel,
        coalesce(touched.campaign, booked.campaign) as campaign,
        touched.cost as touch_cost,
        booked.cost as booked_cost,
        touched.touches,
        touched.users
    from touched
    full join booked
        on touched.date = booked.date
        and touched.channel = booked.channel
        and touched.campaign is not distinct from booked.campaign
)

select
    rows_of_both.date,
    rows_of_both.channel,
    rows_of_both.campaign,
    case
        when channels_booked.channel is null then rows_of_both.touch_cost
        else coalesce(rows_of_both.booked_cost, 0)
    end as spend,
    coalesce(rows_of_both.touches, 0) as touches,
    coalesce(rows_of_both.users, 0) as users
from rows_of_both
left join channels_booked on rows_of_both.channel = channels_booked.channel
order by date, channel, campaign
