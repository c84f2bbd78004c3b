-- Credit of every touch on the path of a conversion, according to each model; a conversion without a touch has no row.
-- @outcome name of the outcome
-- @user_id id of the user
-- @conversion number of the conversion among those of the user: 1 for the first of this outcome
-- @conversion_id id of the conversion in the source, null where there is none
-- @converted_at time of the conversion, UTC
-- @value value of the conversion, in the currency of the data; null where unknown
-- @position place of the touch on the path: 1 for the first touch
-- @touched_at time of the touch, UTC
-- @channel name of the channel
-- @campaign name of the campaign, null where there is none
-- @model name of the model
-- @weight part of the conversion that the model credits to the touch, 0..1; the weights of a conversion and model sum to 1
select
    outcome, user_id, conversion, conversion_id, converted_at, value, position, touched_at,
    channel, campaign, model, round(weight, 12) as weight
from (
    -- Sorted before there is a row for each model: so many fewer rows.
    unpivot (
        select *
        from credit.named_touches
        order by outcome, date_trunc('week', converted_at), user_id, conversion, position
    )
    on columns(* exclude (
        outcome, user_id, conversion, conversion_id, converted_at, value, position, touched_at,
        channel, campaign
    ))
    into name model value weight
)
