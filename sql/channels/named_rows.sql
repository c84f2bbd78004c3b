-- Rows of a source with the name of their channel.
select
    visits.* exclude (channel, source, medium, platform, referrer),
    names.channel as channel,
    names.rule = 'excluded_referral' as takes_previous
from raw.visits as visits
inner join raw.channel_names as names
    on visits.channel is not distinct from names.given
    and visits.source is not distinct from names.source
    and visits.medium is not distinct from names.medium
    and visits.campaign is not distinct from names.campaign
    and visits.platform is not distinct from names.platform
    and visits.referrer is not distinct from names.referrer
