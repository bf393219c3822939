"""The laws that any Gaussian mixture fitted by EM obeys, in the order in which they are asked.

No law knows a right answer. Each holds a class against its own parameters, against itself on changed data, or against
a formula. A law is a function; its name says what it demands. One that is obeyed returns, a broken one raises Broken.
checks.py asks them, after the gates of gates.py.
"""

from . import laws_of_density as density
from . import laws_of_fit as fit

LAWS = (density.input_stays_as_it_was, density.responsibilities_are_probabilities, density.responsibilities_obey_Bayes_rule,
        density.log_density_follows_the_parameters, density.density_of_one_feature_integrates_to_one,
        density.score_is_the_mean_log_density, density.predict_names_the_most_responsible_component, density.far_points_get_numbers,
        fit.weights_are_mean_responsibilities, fit.means_are_weighted_means, fit.covariances_are_weighted_covariances,
        fit.likelihood_never_falls, fit.each_round_is_an_M_step, fit.lower_bound_belongs_to_the_parameters,
        fit.one_component_is_the_sample_mean_and_covariance, density.one_feature_works, fit.integers_are_taken_as_numbers,
        fit.shifted_data_shift_the_fit, fit.a_far_origin_costs_no_digits, fit.scaled_data_scale_the_fit,
        fit.rotated_data_rotate_the_fit, fit.order_of_rows_does_not_matter, fit.rows_given_twice_change_nothing,
        fit.two_groups_far_apart_are_found, fit.of_several_starts_the_best_is_kept, fit.same_seed_same_fit,
        fit.a_second_fit_starts_anew, fit.fit_does_not_seed_the_global_generator, density.samples_follow_the_mixture)
