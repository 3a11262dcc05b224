//! Transition coverage: which cells and edges of machines were taken.

use core::cell::Cell;
use core::fmt::{self, Write as _};
use std::collections::{BTreeMap, BTreeSet};

use crate::machine::Machine;
use crate::point::{Did, Place};
use crate::shape::{CellShape, Shape};

/// Which cells and edges were taken, for each machine.
///
/// Kernels count after [`Kernel::record_coverage`](crate::Kernel::record_coverage), harnesses always. Merge what several
/// of them counted, and ask for what was never taken.
///
/// ```
/// # extern crate fsm_core as statepoint;
/// use statepoint::{Coverage, Kernel, Limits, routine, Done};
///
/// let mut kernel = Kernel::new(Limits::default());
/// kernel.record_coverage();
/// kernel.create(routine(async |_| Done));
/// kernel.run(10);
/// let mut all = Coverage::default();
/// all.merge(kernel.coverage().expect("it was recorded"));
/// assert_eq!(all.machines().count(), 0); // a routine has no table
/// ```
#[derive(Debug, Clone, Default)]
pub struct Coverage {
    /// By name; machines of one name, in different modules, differ in their shapes.
    machines: BTreeMap<&'static str, Vec<Taken>>,
}

#[derive(Clone)]
struct Taken {
    shape: &'static Shape,
    /// Handler cells by state and column; the column after the last stands for `Unknown`.
    cells: BTreeMap<(usize, usize), u64>,
    /// Handler and state gone to; the state after the last stands for the end.
    edges: BTreeSet<(usize, usize)>,
}

impl fmt::Debug for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} cells, {} edges of {}", self.cells.len(), self.edges.len(), self.shape.machine)
    }
}

// Where harnesses and kernels of this thread leave what they counted, while somebody collects it.
thread_local! {
    static COLLECTED: Cell<Option<Coverage>> = const { Cell::new(None) };
}

impl Coverage {
    /// Runs `tests` and adds up what every harness, and every kernel that recorded coverage, counted meanwhile on this
    /// thread.
    ///
    /// So a test at the end of a file can list what the tests before it have never taken:
    ///
    /// ```
    /// # extern crate fsm_core as statepoint;
    /// # fn main() {
    /// use statepoint::{Aborted, Coverage, Harness, Machine, Next, Start, Stop, state_machine};
    ///
    /// struct Lamp;
    ///
    /// #[state_machine(OFF, ON)]
    /// impl Lamp {
    ///     fn OFF_Start(&mut self, _: Start) -> Next<Self> {
    ///         Self::ON
    ///     }
    ///     fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
    ///         Self::complete(Aborted)
    ///     }
    /// }
    ///
    /// fn a_lamp_goes_on() {
    ///     assert_eq!(Harness::new(Lamp).start().next(), "ON");
    /// }
    ///
    /// let coverage = Coverage::collect(|| a_lamp_goes_on());
    /// assert_eq!(coverage.missing_cells::<Lamp>(), ["OFF_Stop", "ON_Stop"]);
    /// # }
    /// ```
    pub fn collect(tests: impl FnOnce()) -> Self {
        /// Puts what was collected outside back, also when a test panics.
        struct Outside(Option<Coverage>);
        impl Drop for Outside {
            fn drop(&mut self) {
                COLLECTED.set(self.0.take());
            }
        }
        let mut outside = Outside(COLLECTED.replace(Some(Self::default())));
        tests();
        let collected = COLLECTED.take().unwrap_or_default();
        if let Some(outside) = &mut outside.0 {
            outside.merge(&collected);
        }
        collected
    }

    /// Leaves what was counted with whoever collects it.
    pub(crate) fn hand_in(&self) {
        if let Some(mut collected) = COLLECTED.take() {
            collected.merge(self);
            COLLECTED.set(Some(collected));
        }
    }

    /// Counts one message.
    pub(crate) fn record(&mut self, place: Place, did: &Did, after: usize) {
        let Some(shape) = place.shape else { return };
        let column =
            place.column.filter(|column| is_written(shape, place.state, *column)).unwrap_or(shape.messages.len());
        let taken = self.of(shape);
        *taken.cells.entry((place.state, column)).or_insert(0) += 1;
        let Some(handler) = handler_of(shape, place.state, column) else { return };
        match did {
            Did::Moved => drop(taken.edges.insert((handler, after))),
            Did::Ended(_) => drop(taken.edges.insert((handler, shape.states.len()))),
            Did::Stayed => drop(taken.edges.insert((handler, place.state))),
            Did::Deferred => {}
        }
    }

    fn of(&mut self, shape: &'static Shape) -> &mut Taken {
        let namesakes = self.machines.entry(shape.machine).or_default();
        let known = namesakes.iter().position(|taken| is_same(taken.shape, shape));
        let index = known.unwrap_or_else(|| {
            namesakes.push(Taken { shape, cells: BTreeMap::new(), edges: BTreeSet::new() });
            namesakes.len() - 1
        });
        &mut namesakes[index]
    }

    fn taken(&self, shape: &'static Shape) -> Option<&Taken> {
        self.machines.get(shape.machine)?.iter().find(|taken| is_same(taken.shape, shape))
    }

    /// Adds what `other` has counted.
    pub fn merge(&mut self, other: &Self) {
        for taken in other.machines.values().flatten() {
            let mine = self.of(taken.shape);
            for (cell, count) in &taken.cells {
                *mine.cells.entry(*cell).or_insert(0) += count;
            }
            mine.edges.extend(&taken.edges);
        }
    }

    /// The names of the machines that handled a message.
    pub fn machines(&self) -> impl Iterator<Item = &'static str> {
        self.machines.values().flatten().map(|taken| taken.shape.machine)
    }

    /// The cells of `M` that were never taken, as `STATE_Message`; deferrals as `STATE defers Message`.
    pub fn missing_cells<M: Machine>(&self) -> Vec<String> {
        let shape = M::TABLE.shape;
        let taken = self.taken(shape);
        let mut missing = Vec::new();
        for (state, state_shape) in shape.states.iter().enumerate() {
            for column in 0..=shape.messages.len() {
                if !is_written(shape, state, column)
                    || taken.is_some_and(|taken| taken.cells.contains_key(&(state, column)))
                {
                    continue;
                }
                let message = shape.messages.get(column).copied().unwrap_or("Unknown");
                let defers = shape.cells[state].get(column) == Some(&CellShape::Defer);
                let name = state_shape.name;
                missing.push(if defers { format!("{name} defers {message}") } else { format!("{name}_{message}") });
            }
        }
        missing
    }

    /// The edges of `M` that were never taken, as `HANDLER -> STATE`; the end of the machine is `[*]`.
    pub fn missing_edges<M: Machine>(&self) -> Vec<String> {
        let shape = M::TABLE.shape;
        let taken = self.taken(shape);
        let mut missing = Vec::new();
        for (index, handler) in shape.handlers.iter().enumerate() {
            let end = handler.ends.then_some(shape.states.len());
            for to in handler.goes.iter().copied().chain(end) {
                if !taken.is_some_and(|taken| taken.edges.contains(&(index, to))) {
                    let to = shape.states.get(to).map_or("[*]", |state| state.name);
                    missing.push(format!("{} -> {to}", handler.name));
                }
            }
        }
        missing
    }

    /// What was never taken of `M`, in words for a test's output. Empty when everything was.
    pub fn report<M: Machine>(&self) -> String {
        let mut text = String::new();
        let lists =
            [("cells never taken", self.missing_cells::<M>()), ("edges never taken", self.missing_edges::<M>())];
        for (title, missing) in lists {
            if !missing.is_empty() {
                // Writing into a `String` cannot fail.
                let _ = writeln!(text, "{}: {title}: {}", M::TABLE.shape.machine, missing.join(", "));
            }
        }
        text
    }

    /// The diagram of `M`, with the edges that were never taken marked.
    pub fn diagram<M: Machine>(&self) -> String {
        let shape = M::TABLE.shape;
        let edges = self.taken(shape).map(|taken| taken.edges.clone()).unwrap_or_default();
        crate::diagram::mermaid(shape, Some(&edges))
    }
}

/// Whether it is the same machine. A generic one may have its shape in several places.
fn is_same(one: &'static Shape, other: &'static Shape) -> bool {
    core::ptr::eq(one, other) || one == other
}

/// Whether anything is written for the cell; the column after the last is `Unknown`.
fn is_written(shape: &Shape, state: usize, column: usize) -> bool {
    match shape.cells.get(state).and_then(|cells| cells.get(column)) {
        Some(cell) => *cell != CellShape::None,
        None => shape.unknown.get(state).is_some_and(Option::is_some),
    }
}

fn handler_of(shape: &Shape, state: usize, column: usize) -> Option<usize> {
    match shape.cells.get(state)?.get(column) {
        Some(CellShape::Handler(index)) => Some(*index),
        Some(_) => None,
        None => *shape.unknown.get(state)?,
    }
}
