-- The experiments that are worth most: which channel to hold out, how, and what each result would change.
-- @outcome name of the outcome
-- @channel name of the channel that would be held out
-- @rank 1 for the most valuable test of the outcome
-- @value expected value of the result over 12 months, less the margin of the conversions given up, in the currency of the data
-- @value_per_month expected value of the result per month (EVSI), in the currency of the data
-- @conversions_given_up expected conversions lost in the holdout
-- @expected_factor expected share of the credited conversions that the channel causes, over all models that stand
-- @factor_sd its standard deviation before the test
-- @break_even_factor share from which on the channel pays for itself
-- @unit what is assigned at random: user, cluster (whole clusters of users who belong together, such as accounts) or region
-- @holdout_share share of the units that do not get the channel
-- @users users in both arms, counted once a week, for 80 % power to find the break-even
-- @weeks how long the test takes at the present traffic
-- @is_feasible whether it takes at most 12 weeks
-- @base_rate conversions with the channel on their path per user with a touch of it, users counted once a week
-- @smallest_effect effect that the test finds with 80 % power, as a share of the conversions of the units: that at which the channel pays for itself
-- @cluster_column column of users whose values are the clusters; NULL for other units
-- @clusters clusters in both arms
-- @cluster_size mean number of different users of a cluster
-- @cluster_correlation correlation of two users of one cluster, estimated from the data
-- @design_effect how many times the users of a test by user the test takes; of 12 weeks, where no length is enough
-- @weeks_by_user how long a test by user would take; it is biased where users of a cluster influence each other
-- @clusters_needed clusters that would be enough for a test of 12 weeks
-- @keep_if_no_effect whether the channel is kept if the test finds no effect
-- @moved_if_no_effect spend per month that such a result would move elsewhere
-- @moved_to_if_no_effect channel that would get it: of the others that pay for themselves, the one with the highest expected return on spend; NULL if nothing moves, or no other does
-- @refuted_if_no_effect models whose credit it would contradict, separated by commas
-- @keep_if_as_credited whether the channel is kept if the test finds all that is credited
-- @moved_if_as_credited spend per month that such a result would move
-- @moved_to_if_as_credited channel that would get it, the tested one if the result keeps a channel that would be cut without a test
-- @refuted_if_as_credited models whose credit it would contradict, separated by commas
select
    outcome, channel, rank, value, value_per_month, conversions_given_up, expected_factor,
    factor_sd, break_even_factor, unit, holdout_share, users, weeks, is_feasible,
    base_rate, smallest_effect,
    cluster_column, clusters, cluster_size, cluster_correlation, design_effect, weeks_by_user,
    clusters_needed,
    keep_if_no_effect, moved_if_no_effect, moved_to_if_no_effect, refuted_if_no_effect,
    keep_if_as_credited, moved_if_as_credited, moved_to_if_as_credited, refuted_if_as_credited
from evaluation.next_experiments
order by outcome, rank
