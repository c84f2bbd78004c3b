-- Macros that name the channel of a visit from its source, medium, campaign, click ids and referrer.
--
-- default_channel_group follows the definitions, and their order, of
--     Google Analytics Help, "Default channel group", https://support.google.com/analytics/answer/9756891
-- Case does not matter, as in Google Analytics. Google's list of sites has some 800 entries;
-- site_category knows the large ones by their names, with any country code. A mapping file covers
-- the others.

-- The host of a URL, in lower case and without "www.".
create or replace temp macro url_host(url) as nullif(regexp_extract(
    lower(trim(url)),
    '^(?:[a-z][a-z0-9+.-]*:)?(?://)?(?:[^/?#@]*@)?(?:www\.)?([^/:?#]*)',
    1
), '');

-- The kind of site that a source is: search, social, shopping or video; null for any other.
create or replace temp macro site_category(source) as case
    when regexp_full_match(
        url_host(source),
        '(?:(?:m|www\d*|search|suche|cse|images|news|lite|r\.search|[a-z]{2}|[a-z]{2}\.search|[a-z]+\.search)\.)?'
        || '(?:google|bing|yahoo|duckduckgo|ecosia|baidu|yandex|naver|seznam|startpage|qwant|ask|aol'
        || '|sogou|daum|dogpile|lycos|rambler|msn|exalead|excite|centrum|onet|virgilio|presearch)'
        || '(?:\.(?:com?|org|net|ne))?(?:\.[a-z]{2})?'
        || '|so\.com|360\.cn|search\.brave\.com|swisscows\.com|mojeek\.com|search\.ch|go\.mail\.ru'
        || '|com\.google\.android\.googlequicksearchbox|google-play|googlemybusiness'
    ) then 'search'
    when regexp_full_match(
        url_host(source),
        '(?:[a-z0-9-]+\.)*'
        || '(?:facebook|instagram|twitter|linkedin|pinterest|reddit|tumblr|quora|snapchat|tiktok|threads'
        || '|vkontakte|odnoklassniki|weibo|wechat|whatsapp|messenger|telegram|discord|xing|meetup|yelp'
        || '|tripadvisor|flickr|stackoverflow|stackexchange|livejournal|blogger|blogspot|wordpress'
        || '|mastodon|bluesky|yammer|goodreads|deviantart|flipboard|glassdoor|nextdoor|slideshare)'
        || '(?:\.(?:com?|net|org))?(?:\.[a-z]{2})?'
        || '|fb|ig|line|skype|fb\.me|t\.co|x\.com|t\.me|wa\.me|vk\.com|m\.vk\.com|away\.vk\.com|ok\.ru'
        || '|lnkd\.in|com\.linkedin\.android|out\.reddit\.com|bsky\.app|go\.bsky\.app|line\.me|medium\.com'
        || '|news\.ycombinator\.com|getpocket\.com|groups\.google\.com|mastodon\.social'
    ) then 'social'
    when regexp_full_match(
        url_host(source),
        '(?:[a-z0-9-]+\.)*'
        || '(?:amazon|ebay|etsy|walmart|alibaba|aliexpress|mercadolibre|shopzilla|shopping|idealo|zalando)'
        || '(?:\.(?:com?|net))?(?:\.[a-z]{2})?'
        || '|(?:shopping|[a-z]+\.shopping)\.(?:google|naver|yahoo)(?:\.com?)?(?:\.[a-z]{2})?'
        || '|google shopping|igshopping|shop\.app|(?:[a-z]+\.)?shopify(?:\.com)?'
    ) then 'shopping'
    when regexp_full_match(
        url_host(source),
        '(?:[a-z0-9-]+\.)*'
        || '(?:youtube|vimeo|dailymotion|twitch|netflix|hulu|disneyplus|wistia|youku|iqiyi|crackle|ted|veoh)'
        || '(?:\.(?:com|tv|net))?'
        || '|youtu\.be'
    ) then 'video'
end;

-- The advertising platform whose click id is in a text: a URL, or names such as 'gclid,fbclid'.
-- fbclid is no proof of an ad: links in posts have it too.
create or replace temp macro paid_click(click_ids) as case
    when regexp_matches(lower(click_ids), '(?:^|[?&#,; ])(?:gclid|gbraid|wbraid)(?:=[^&#]|[,; ]|\z)')
        then 'google'
    when regexp_matches(lower(click_ids), '(?:^|[?&#,; ])msclkid(?:=[^&#]|[,; ]|\z)') then 'bing'
    when regexp_matches(lower(click_ids), '(?:^|[?&#,; ])dclid(?:=[^&#]|[,; ]|\z)') then 'dv360'
    when regexp_matches(lower(click_ids), '(?:^|[?&#,; ])ttclid(?:=[^&#]|[,; ]|\z)') then 'tiktok'
    when regexp_matches(lower(click_ids), '(?:^|[?&#,; ])li_fat_id(?:=[^&#]|[,; ]|\z)') then 'linkedin'
    when regexp_matches(lower(click_ids), '(?:^|[?&#,; ])twclid(?:=[^&#]|[,; ]|\z)') then 'twitter'
    when regexp_matches(lower(click_ids), '(?:^|[?&#,; ])epik(?:=[^&#]|[,; ]|\z)') then 'pinterest'
    when regexp_matches(lower(click_ids), '(?:^|[?&#,; ])sccid(?:=[^&#]|[,; ]|\z)') then 'snapchat'
    when regexp_matches(lower(click_ids), '(?:^|[?&#,; ])rdt_cid(?:=[^&#]|[,; ]|\z)') then 'reddit'
end;

-- Whether a source or medium says nothing.
create or replace temp macro is_unset(name) as
    coalesce(lower(trim(name)) in ('', '(none)', '(not set)', '(direct)', 'direct', 'none'), true);

-- Whether a click id decides: the medium was not written into the link. Google's export
-- has visits from ads as "google / organic".
create or replace temp macro click_decides(medium, platform) as
    platform is not null and (is_unset(medium) or lower(trim(medium)) in ('organic', 'referral'));

-- The name of a search engine, such as google for www.google.co.uk; the host of any other site.
create or replace temp macro site_name(host) as case
    when site_category(host) = 'search' then coalesce(
        nullif(regexp_extract(
            host,
            'google|bing|yahoo|duckduckgo|ecosia|baidu|yandex|naver|seznam|startpage|qwant|sogou'
            || '|daum|dogpile|lycos|rambler|exalead|excite|centrum|onet|virgilio|presearch|brave'
        ), ''),
        host
    )
    else host
end;

-- The source of a visit: from the ad that was clicked, as it was collected, or from the referrer.
-- platform is a result of paid_click; referrer is a URL or a host.
create or replace temp macro visit_source(source, medium, platform, referrer) as case
    when click_decides(medium, platform) then platform
    when is_unset(source) and is_unset(medium)
        then coalesce(site_name(url_host(referrer)), trim(source))
    else trim(source)
end;

-- The medium of a visit: cpc (cpm for display), as it was collected, or organic or referral.
create or replace temp macro visit_medium(source, medium, platform, referrer) as case
    when click_decides(medium, platform) then case when platform = 'dv360' then 'cpm' else 'cpc' end
    when is_unset(source) and is_unset(medium) then case
        when url_host(referrer) is null then trim(medium)
        when site_category(referrer) = 'search' then 'organic'
        else 'referral'
    end
    else trim(medium)
end;

-- The default channel group of lower-case names; see default_channel_group.
create or replace temp macro channel_group_of(source, medium, campaign, site) as case
    when source in ('', '(direct)', 'direct') and medium in ('', '(none)', '(not set)', 'none')
        then 'Direct'
    when contains(campaign, 'cross-network') then 'Cross-network'
    when regexp_full_match(medium, '.*cp.*|ppc|retargeting|paid.*') then case
        when site = 'shopping' or regexp_full_match(campaign, '.*(([^a-df-z]|^)shop|shopping).*')
            then 'Paid Shopping'
        when site = 'search' then 'Paid Search'
        when site = 'social' then 'Paid Social'
        when site = 'video' then 'Paid Video'
        when medium = 'cpm' then 'Display'
        else 'Paid Other'
    end
    when medium in ('display', 'banner', 'expandable', 'interstitial') then 'Display'
    when site = 'shopping' or regexp_full_match(campaign, '.*(([^a-df-z]|^)shop|shopping).*')
        then 'Organic Shopping'
    when site = 'social'
        or medium in (
            'social', 'social-network', 'social-media', 'sm', 'social network', 'social media'
        )
        then 'Organic Social'
    when site = 'video' or contains(medium, 'video') then 'Organic Video'
    when site = 'search' or medium = 'organic' then 'Organic Search'
    when medium in ('referral', 'app', 'link') then 'Referral'
    when source in ('email', 'e-mail', 'e_mail', 'e mail')
        or medium in ('email', 'e-mail', 'e_mail', 'e mail')
        then 'Email'
    when medium in ('affiliate', 'affiliates') then 'Affiliates'
    when medium = 'audio' then 'Audio'
    when source = 'sms' or medium = 'sms' then 'SMS'
    when regexp_full_match(medium, '.*push|.*(mobile|notification).*') or source = 'firebase'
        then 'Mobile Push Notifications'
    else 'Unassigned'
end;

-- The default channel group of GA4. A visit without source and medium is direct.
create or replace temp macro default_channel_group(source, medium, campaign) as channel_group_of(
    coalesce(lower(trim(source)), ''),
    coalesce(lower(trim(medium)), ''),
    coalesce(lower(trim(campaign)), ''),
    site_category(source)
);

-- The same, where a click id of an ad overrides "organic", "referral" and what is not set.
-- click_ids is the URL of the landing page, or names such as 'gclid'.
create or replace temp macro default_channel(source, medium, campaign, click_ids) as
    default_channel_group(
        visit_source(source, medium, paid_click(click_ids), null),
        visit_medium(source, medium, paid_click(click_ids), null),
        campaign
    );
