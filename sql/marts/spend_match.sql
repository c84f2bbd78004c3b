-- How spend and touchpoints fit: channels and campaigns of either, with what does not match.
-- @status matched; matched_by_spelling: names differ by case or blanks; spend_without_touches; touches_without_spend; outside_period: spend before the first or after the last touch
-- @channel name of the channel, as in the touchpoints where it has any
-- @campaign name of the campaign, null where there is none
-- @booked_as name of the channel in the spend, null without spend
-- @campaign_booked_as name of the campaign in the spend
-- @first_day first day of the spend or of the touches
-- @last_day last day of the spend or of the touches
-- @spend what was spent, in the currency of the data; null without spend
-- @touches touches of the channel and campaign; null for spend outside the period
with touched as (
    select
        channels.channel,
        touches.campaign,
        cast(local_time(min(touches.touched_at)) as date) as first_day,
        cast(local_time(max(touches.touched_at)) as date) as last_day,
        count(*) as touches,
        round(sum(touches.cost), 6) as cost
    from journeys.counted_touches as touches
    inner join journeys.channels as channels on touches.channel_key = channels.channel_key
    group by channels.channel, touches.campaign
),

booked as (
    select
        channel, campaign, booked_as, campaign_booked_as, in_period,
        min(date) as first_day,
        max(date) as last_day,
        round(sum(cost), 6) as spend
    from journeys.spend
    group by channel, campaign, booked_as, campaign_booked_as, in_period
),

-- Spend without a campaign is matched by its channel.
of_spend as (
    select
        case
            when not booked.in_period then 'outside_period'
            when touched.touches is null then 'spend_without_touches'
            when booked.booked_as <> booked.channel
                or booked.campaign_booked_as <> booked.campaign then 'matched_by_spelling'
            else 'matched'
        end as status,
        booked.channel,
        booked.campaign,
        booked.booked_as,
        booked.campaign_booked_as,
        booked.first_day,
        booked.last_day,
        booked.spend,
        case when booked.in_period then coalesce(touched.touches, 0) end as touches
    from booked
    left join (
        select channel, campaign, touches from touched where campaign is not null
        union all
        select channel, null, cast(sum(touches) as bigint) from touched group by channel
    ) as touched
        on booked.channel = touched.channel
        and booked.campaign is not distinct from touched.campaign
),

of_touches as (
    select
        'touches_without_spend' as status,
        touched.channel,
        touched.campaign,
        cast(null as varchar) as booked_as,
        cast(null as varchar) as campaign_booked_as,
        touched.first_day,
        touched.last_day,
        touched.cost as spend,
        touched.touches
    from touched
    where touched.cost is null
        and not exists (
            select 1
            from booked
            where booked.in_period
                and booked.channel = touched.channel
                and (booked.campaign is null or booked.campaign is not distinct from touched.campaign)
        )
)

select * from of_spend
union all
select * from of_touches
order by status, channel, campaign, booked_as, campaign_booked_as
