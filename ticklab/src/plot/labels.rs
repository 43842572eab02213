//! Places labels beside the ends of their lines: as near as possible, without overlaps.

/// Returns the upper ends of labels with these heights, whose middles should be at the wanted places. All
/// labels lie within the bounds if there is room.
pub fn place(wanted: &[f64], heights: &[f64], (top, bottom): (f64, f64)) -> Vec<f64> {
    let mut order: Vec<_> = (0..wanted.len()).collect();
    order.sort_by(|a, b| wanted[*a].total_cmp(&wanted[*b]));
    let mut tops = vec![0.0; wanted.len()];
    let mut free = top;
    for &label in &order {
        tops[label] = f64::max(free, wanted[label] - heights[label] / 2.0);
        free = tops[label] + heights[label];
    }
    // The pass above has moved labels down. This one moves those that are too low up again.
    let mut free = bottom;
    for &label in order.iter().rev() {
        tops[label] = f64::min(tops[label], free - heights[label]);
        free = tops[label];
    }
    tops
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn labels_with_room_are_at_their_wanted_place() {
        let tops = place(&[90.0, 20.0], &[10.0, 20.0], (0.0, 100.0));
        assert_eq!(tops, [85.0, 10.0]);
        assert_eq!(
            place(&[99.0, 1.0], &[10.0, 10.0], (0.0, 100.0)),
            [90.0, 0.0]
        );
        assert_eq!(
            place(&[50.0, 50.0, 50.0], &[10.0; 3], (0.0, 100.0)),
            [45.0, 55.0, 65.0]
        );
    }

    proptest! {
        #[test]
        fn labels_do_not_overlap(labels in prop::collection::vec((0.0..300.0, 1.0..40.0), 0..12)) {
            let (wanted, heights): (Vec<f64>, Vec<f64>) = labels.into_iter().unzip();
            let bottom = heights.iter().sum::<f64>().max(300.0);
            let tops = place(&wanted, &heights, (0.0, bottom));
            let mut spans: Vec<_> = tops.iter().zip(&heights).map(|(top, height)| (*top, top + height)).collect();
            spans.sort_by(|a, b| a.0.total_cmp(&b.0));
            let bounds = (-1e-6..=bottom + 1e-6, 1e-6);
            prop_assert!(spans.iter().all(|span| bounds.0.contains(&span.0) && bounds.0.contains(&span.1)));
            prop_assert!(spans.windows(2).all(|pair| pair[0].1 <= pair[1].0 + bounds.1), "{spans:?}");
            // Labels keep the order of the lines' ends, so that the leaders do not cross.
            let ordered = |a: usize, b: usize| wanted[a] >= wanted[b] || tops[a] < tops[b];
            let all = 0..tops.len();
            prop_assert!(all.clone().all(|a| all.clone().all(|b| ordered(a, b))));
        }
    }
}
