-- Names the channel of every distinct kind of visit: what the source gave, mapped, grouped or excluded.
-- @given channel that the source gave, null where there is none
-- @source source as it was collected
-- @medium medium as it was collected
-- @campaign campaign
-- @platform advertising platform whose click id the visit has
-- @referrer host that linked to the site
-- @channel name of the channel; for an excluded referral, the one of a user without an earlier touch
-- @rule mapping, excluded_referral, given, click_id, referrer or default: what decided
-- @named_source source after click ids and referrers
-- @named_medium medium after click ids and referrers
-- @visits number of rows
--
-- The macros are in channels/macros.sql, the rules of the mapping in raw.channel_rules, the excluded
-- domains in raw.excluded_referrals. $has_traffic is whether the source has a column about visits.
with kinds as (
    select channel as given, source, medium, campaign, platform, referrer, count(*) as visits
    from raw.visits
    group by all
),

resolved as (
    select
        *,
        visit_source(source, medium, platform, referrer) as named_source,
        visit_medium(source, medium, platform, referrer) as named_medium,
        case
            when click_decides(medium, platform) then 'click_id'
            when is_unset(source) and is_unset(medium) and referrer is not null then 'referrer'
            else 'default'
        end as origin
    from kinds
),

excluded as (
    select url_host(domain) as domain from raw.excluded_referrals
),

sites as (
    select
        named_source,
        site_category(named_source) as site,
        coalesce(bool_or(excluded.domain is not null), false) as is_excluded
    from (select distinct named_source from resolved) as sources
    left join excluded
        on url_host(sources.named_source) = excluded.domain
        or ends_with(url_host(sources.named_source), '.' || excluded.domain)
    group by named_source
),

grouped as (
    select
        resolved.*,
        sites.is_excluded
        and (is_unset(resolved.named_medium) or lower(resolved.named_medium) = 'referral')
            as is_excluded,
        case
            when resolved.given is not null then resolved.given
            when $has_traffic then channel_group_of(
                coalesce(lower(resolved.named_source), ''),
                coalesce(lower(resolved.named_medium), ''),
                coalesce(lower(resolved.campaign), ''),
                sites.site
            )
        end as default_name,
        -- What the patterns of the mapping are compared with.
        lower(coalesce(
            resolved.named_source,
            case when resolved.named_medium is null then '(direct)' else '(not set)' end
        )) as source_text,
        lower(coalesce(
            resolved.named_medium,
            case when resolved.named_source is null then '(none)' else '(not set)' end
        )) as medium_text,
        lower(coalesce(resolved.campaign, '(not set)')) as campaign_text
    from resolved
    inner join sites on resolved.named_source is not distinct from sites.named_source
),

-- The first rule of the mapping that matches decides.
mapped as (
    select
        grouped.given, grouped.source, grouped.medium, grouped.campaign, grouped.platform,
        grouped.referrer,
        min_by(rules.channel, rules.position) as channel
    from grouped
    inner join raw.channel_rules as rules
        on (
            $has_traffic
            and grouped.source_text like rules.source escape '\'
            and grouped.medium_text like rules.medium escape '\'
            and grouped.campaign_text like rules.campaign escape '\'
        )
        or (rules.is_name and lower(grouped.default_name) like rules.source escape '\')
    group by all
)

select
    grouped.given,
    grouped.source,
    grouped.medium,
    grouped.campaign,
    grouped.platform,
    grouped.referrer,
    case
        when mapped.channel is not null then mapped.channel
        when grouped.is_excluded then 'Direct'
        else grouped.default_name
    end as channel,
    case
        when mapped.channel is not null then 'mapping'
        when grouped.is_excluded then 'excluded_referral'
        when grouped.given is not null then 'given'
        else grouped.origin
    end as rule,
    grouped.named_source,
    grouped.named_medium,
    grouped.visits
from grouped
left join mapped
    on grouped.given is not distinct from mapped.given
    and grouped.source is not distinct from mapped.source
    and grouped.medium is not distinct from mapped.medium
    and grouped.campaign is not distinct from mapped.campaign
    and grouped.platform is not distinct from mapped.platform
    and grouped.referrer is not distinct from mapped.referrer
