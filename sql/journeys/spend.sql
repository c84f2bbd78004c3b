-- Spend with the names that its channel and campaign have in the touchpoints.
-- @date the day of the booking, in the time zone of the settings
-- @channel name of the channel in the touchpoints; the name in the spend where no touch has the channel
-- @booked_as name of the channel in the spend
-- @campaign name of the campaign in the channel's touchpoints; the name in the spend where no touch has it
-- @campaign_booked_as name of the campaign in the spend
-- @has_touches whether the channel has touches
-- @in_period whether the day is between the days of the first and the last touch
-- @cost what was spent, in the currency of the data
--
-- An equal name matches first. Otherwise case and blanks do not matter, unless several channels of
-- the touchpoints, or campaigns of the channel, have the name then.
with named as (
    select
        channel,
        lower(regexp_replace(channel, '[\s\x0B\p{Z}\x{FEFF}]+', '', 'g')) as compact
    from journeys.channels
),

unambiguous as (
    select compact, min(channel) as channel from named group by compact having count(*) = 1
),

booked as (
    select
        date,
        channel,
        lower(regexp_replace(channel, '[\s\x0B\p{Z}\x{FEFF}]+', '', 'g')) as compact,
        campaign,
        lower(regexp_replace(campaign, '[\s\x0B\p{Z}\x{FEFF}]+', '', 'g')) as compact_campaign,
        cost
    from inputs.spend
),

campaigns as (
    select
        channels.channel,
        touches.campaign,
        lower(regexp_replace(touches.campaign, '[\s\x0B\p{Z}\x{FEFF}]+', '', 'g')) as compact
    from journeys.touches as touches
    inner join journeys.channels as channels on touches.channel_key = channels.channel_key
    where touches.campaign is not null
    group by channels.channel, touches.campaign
),

unambiguous_campaigns as (
    select channel, compact, min(campaign) as campaign
    from campaigns
    group by channel, compact
    having count(*) = 1
),

period as (
    select
        cast(local_time(min(touched_at)) as date) as first_day,
        cast(local_time(max(touched_at)) as date) as last_day
    from journeys.touches
),

with_channel as (
    select
        booked.*,
        coalesce(named.channel, unambiguous.channel, booked.channel) as channel_of_touches,
        named.channel is not null or unambiguous.channel is not null as has_touches
    from booked
    left join named on booked.channel = named.channel
    left join unambiguous on booked.compact = unambiguous.compact
)

select
    with_channel.date,
    with_channel.channel_of_touches as channel,
    with_channel.channel as booked_as,
    coalesce(campaigns.campaign, unambiguous_campaigns.campaign, with_channel.campaign) as campaign,
    with_channel.campaign as campaign_booked_as,
    with_channel.has_touches,
    coalesce(with_channel.date >= period.first_day and with_channel.date <= period.last_day, false)
        as in_period,
    with_channel.cost
from with_channel
cross join period
left join campaigns
    on with_channel.channel_of_touches = campaigns.channel
    and with_channel.campaign = campaigns.campaign
left join unambiguous_campaigns
    on with_channel.channel_of_touches = unambiguous_campaigns.channel
    and with_channel.compact_campaign = unambiguous_campaigns.compact
