//! Merged or not, changes lead to the same rows.

use super::cases::merge;
use super::*;

fn state(served: &Served, view: &View, before: &State, changes: &[Change]) -> State {
    let mut state = before.clone();
    seen(served, view, changes).iter().for_each(|event| apply(&mut state, event));
    state
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn merged_changes_lead_to_the_same_rows(
        acts in prop::collection::vec(act(), 1..60),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
    ) {
        let (served, mut world) = (served(), World::default());
        let changes: Vec<Change> = (1..)
            .zip(&acts)
            .filter_map(|(seq, act)| world.perform(act, seq, 1))
            .collect();
        let mut cuts: Vec<usize> = cuts.iter().map(|at| at.index(changes.len() + 1)).collect();
        cuts.extend([0, changes.len()]);
        cuts.sort_unstable();
        for (table, filter) in [("orders", None), ("orders", Some("owner = 1")), ("lines", Some("owner < 2"))] {
            let view = view(&served, table, filter);
            let (mut all, mut few) = (State::new(), State::new());
            for window in cuts.windows(2) {
                let changes = &changes[window[0]..window[1]];
                all = state(&served, &view, &all, changes);
                let merged = merge(&served, changes);
                prop_assert!(merged.is_sorted_by_key(|change| change.seq));
                few = state(&served, &view, &few, &merged);
                prop_assert_eq!(&all, &few);
                let events = seen(&served, &view, &merged);
                let of_rows = events.iter().filter(|event| event["event"] != "truncated");
                let mut keys: Vec<String> = of_rows.map(|event| event["key"].to_string()).collect();
                let count = keys.len();
                keys.sort_unstable();
                keys.dedup();
                prop_assert_eq!(keys.len(), count, "one event of each row");
            }
        }
    }
}
