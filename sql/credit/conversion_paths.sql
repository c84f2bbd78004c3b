-- Lists the touches on the path of each conversion of one outcome.
-- @conversion_key number of the conversion
-- @conversion number of the conversion among those of the user and outcome
-- @converted_at time of the conversion, UTC
-- @converted_on day of the conversion, in the time zone of the settings
-- @value value of the conversion in the currency of the data, null where unknown
-- @milestone_position position of the last touch before a milestone, null where there is none on the path
select
    conversions.conversion_key,
    conversions.conversion,
    conversions.converted_at,
    cast(local_time(conversions.converted_at) as date) as converted_on,
    conversions.value,
    path_touches.*,
    max(case when milestones.touch is not null then path_touches.position end) over (
        partition by conversions.conversion_key
    ) as milestone_position
from journeys.path_touches as path_touches
inner join credit.conversions as conversions
    on path_touches.outcome = conversions.outcome
    and path_touches.user_key = conversions.user_key
    and path_touches.happened_at = conversions.converted_at
left join journeys.milestones as milestones
    on path_touches.outcome = milestones.outcome
    and path_touches.user_key = milestones.user_key
    and path_touches.touch = milestones.touch
    and path_touches.happened_at >= milestones.reached_at
where path_touches.is_conversion and path_touches.outcome = $outcome
