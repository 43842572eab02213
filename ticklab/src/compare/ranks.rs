//! Tests whether two groups of measurements differ, by the rank sum of Wilcoxon, Mann and Whitney. The test
//! assumes nothing about the distribution of the measurements. For small groups it counts every way to divide
//! the ranks between the groups. For large groups the sums are normally distributed.

/// A group of at least this size is large.
const MANY: usize = 20;

/// Returns the probability that the ranks of two groups from one distribution lie this far apart, in either
/// direction.
pub fn chance(a: &[f64], b: &[f64]) -> f64 {
    let found = twice_pairs_won(a, b);
    if a.len().max(b.len()) > MANY {
        return chance_of_many(found, a, b);
    }
    // A tie counts as half a pair. Of the two possible sums, take the one nearer to the middle.
    let middle = a.len() * b.len();
    let apart = found.abs_diff(middle);
    let ways = ways(a.len(), b.len());
    let as_far = ways
        .iter()
        .enumerate()
        .filter(|(won, _)| (2 * won).abs_diff(middle) >= apart);
    as_far.map(|(_, ways)| ways).sum::<f64>() / ways.iter().sum::<f64>()
}

/// Returns the lowest value of [`chance`] for groups of these sizes, which is that of one group wholly above
/// the other. The result may be a little too high where it is nearly zero.
pub fn least_chance(a: usize, b: usize) -> f64 {
    let (a, b) = (a.min(MANY), b.min(MANY));
    2.0 / ways(a, b).iter().sum::<f64>()
}

/// Applies Holm's method to comparisons that are made together, because some of many seem to find something
/// by chance alone. Returns, for each, the probability that any of them finds as much.
pub fn chances_of_all(chances: &[f64]) -> Vec<f64> {
    let mut order: Vec<_> = (0..chances.len()).collect();
    order.sort_by(|a, b| chances[*a].total_cmp(&chances[*b]));
    let (mut of_all, mut most) = (vec![0.0; chances.len()], 0.0_f64);
    let mut left = chances.len();
    for index in order {
        #[allow(clippy::cast_precision_loss, reason = "there are some dozens")]
        let this = (left as f64 * chances[index]).min(1.0);
        most = most.max(this);
        of_all[index] = most;
        left -= 1;
    }
    of_all
}

/// Corrects for ties, which leave fewer ranks to divide.
#[allow(clippy::cast_precision_loss, reason = "there are some thousands")]
fn chance_of_many(twice_won: usize, a: &[f64], b: &[f64]) -> f64 {
    let (m, n) = (a.len() as f64, b.len() as f64);
    let mut all: Vec<_> = a.iter().chain(b).copied().collect();
    all.sort_by(f64::total_cmp);
    let alike = all.chunk_by(|one, other| one.total_cmp(other).is_eq());
    let alike: f64 = alike
        .map(|group| (group.len() as f64).powi(3) - group.len() as f64)
        .sum();
    let total = m + n;
    let variance = m * n / 12.0 * (total + 1.0 - alike / (total * (total - 1.0)));
    if variance <= 0.0 {
        return 1.0;
    }
    let apart = (twice_won as f64 / 2.0 - m * n / 2.0).abs() - 0.5;
    libm::erfc(apart.max(0.0) / (2.0 * variance).sqrt())
}

/// Returns twice the number of pairs, one value from each group, in which the value from `a` is larger.
fn twice_pairs_won(a: &[f64], b: &[f64]) -> usize {
    let pairs = a.iter().flat_map(|a| b.iter().map(move |b| (a, b)));
    pairs
        .map(|(a, b)| if a > b { 2 } else { usize::from(a >= b) })
        .sum()
}

/// Returns, for each number of pairs won, the number of orders of `a` and `b` values.
fn ways(a: usize, b: usize) -> Vec<f64> {
    // The highest rank belongs either to a value of `a`, which wins against all `b`, or to a value of `b`.
    let mut of_fewer = vec![vec![1.0]; b + 1];
    for _ in 0..a {
        let mut of_these = vec![vec![1.0]];
        for b in 1..=b {
            let (with_a, with_b): (&Vec<f64>, &Vec<f64>) = (&of_fewer[b], &of_these[b - 1]);
            let mut ways = vec![0.0; (with_a.len() + b).max(with_b.len())];
            for (won, count) in with_a.iter().enumerate() {
                ways[won + b] += count;
            }
            for (won, count) in with_b.iter().enumerate() {
                ways[won] += count;
            }
            of_these.push(ways);
        }
        of_fewer = of_these;
    }
    of_fewer.swap_remove(b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-9
    }

    #[test]
    fn chances_match_published_tables() {
        // 5 and 5: U = 2 is the critical value of a two-sided test at 5 %.
        let ways = ways(5, 5);
        let two_sided = |u: usize| 2.0 * ways[..=u].iter().sum::<f64>() / 252.0;
        assert!(close(ways.iter().sum(), 252.0) && two_sided(2) < 0.05 && two_sided(3) > 0.05);
        assert!(close(least_chance(3, 3), 0.1) && close(least_chance(4, 4), 2.0 / 70.0));
    }

    #[test]
    fn normal_approximation_matches_the_count() {
        // Groups of 20 are counted. The normal distribution gives nearly the same result for them.
        let a: Vec<_> = (0..20).map(f64::from).collect();
        let b: Vec<_> = (0..20).map(|n| f64::from(n) + 5.5).collect();
        let counted = chance(&a, &b);
        let normal = chance_of_many(twice_pairs_won(&a, &b), &a, &b);
        assert!((counted - normal).abs() < 0.002, "{counted} {normal}");
        // Groups of thousands take no time.
        let a: Vec<_> = (0..3000).map(f64::from).collect();
        assert!(close(chance(&a, &a), 1.0) && chance(&a, &vec![9e9; 3000]) < 1e-9);
        assert!(close(chance(&[1.0; 30], &[1.0; 30]), 1.0));
    }

    #[test]
    fn holm_corrects_chances() {
        // Holm's own example: 0.01, 0.02, 0.03, 0.04 become 0.04, 0.06, 0.06, 0.06.
        let all = chances_of_all(&[0.03, 0.01, 0.04, 0.02]);
        let expected = [0.06, 0.04, 0.06, 0.06];
        assert!(
            all.iter()
                .zip(expected)
                .all(|(found, expected)| close(*found, expected))
        );
        assert!(chances_of_all(&[]).is_empty() && close(chances_of_all(&[0.9, 0.8])[0], 1.0));
    }

    #[test]
    fn chance_is_low_only_for_separate_groups() {
        let low = [1.0, 2.0, 3.0, 4.0, 5.0];
        let high = low.map(|value| value + 10.0);
        assert!(close(chance(&low, &high), 2.0 / 252.0) && close(chance(&high, &low), 2.0 / 252.0));
        assert!(close(chance(&low, &low), 1.0));
    }

    proptest! {
        /// Compares with a count of all divisions of the ranks.
        #[test]
        fn chance_matches_a_full_count(a in 1usize..5, b in 1usize..5, seed in any::<u64>()) {
            let mut ranks: Vec<f64> = (0..a + b).map(|rank| f64::from(u8::try_from(rank).unwrap())).collect();
            fastrand::Rng::with_seed(seed).shuffle(&mut ranks);
            let (first, second) = ranks.split_at(a);
            let apart = |won: usize| won.abs_diff(a * b);
            let found = apart(twice_pairs_won(first, second));
            let (mut as_far, mut all) = (0.0, 0.0);
            for chosen in (0u32..1 << (a + b)).filter(|chosen| chosen.count_ones() as usize == a) {
                let split = |is: bool| (0..a + b).filter(move |rank| (chosen >> rank & 1 == 1) == is);
                let of = |is| split(is).map(|rank| f64::from(u8::try_from(rank).unwrap())).collect::<Vec<_>>();
                all += 1.0;
                as_far += if apart(twice_pairs_won(&of(true), &of(false))) >= found { 1.0 } else { 0.0 };
            }
            prop_assert!(close(chance(first, second), as_far / all));
        }
    }
}
