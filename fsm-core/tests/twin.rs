//! One machine, written twice: by hand against the public traits, and by the macro. Both pass the same tests, so this file
//! says what `#[state_machine]` writes.
#![allow(
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    reason = "machines of a test, written as a library would have them"
)]

extern crate fsm_core as statepoint;

use core::marker::PhantomData;

use fsm_core::{
    Aborted, Address, Context, Harness, Kernel, Limits, Machine, Message, Next, Start, Stop, TimedOut, Timeout,
    Vocabulary,
};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Message)]
#[message(name = "twin.Hello")]
pub struct Hello {
    pub my_name: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Message)]
#[message(name = "twin.Welcome")]
pub struct Welcome {
    pub your_name: String,
    pub language: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, Message)]
#[message(name = "twin.Opened")]
pub struct Opened {
    pub line: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, Message)]
#[message(name = "twin.Hung")]
pub struct HungUp;

/// What the machine is generic over.
pub trait Language: 'static {
    const NAME: &'static str;
}

pub struct English;

impl Language for English {
    const NAME: &'static str = "English";
}

/// The data of the state CONNECTED.
pub struct Call {
    pub line: u32,
    pub served: u32,
}

mod by_hand {
    use core::time::Duration;

    use fsm_core::macros::{Columns, former};
    use fsm_core::{Body, Cell, CellShape, HandlerShape, MessageId, Shape, StateShape, Table, Unknown};

    use super::*;

    pub struct Operator<L: Language> {
        pub forward_to: Address,
        pub language: PhantomData<L>,
    }

    // As the user writes it.
    #[allow(non_snake_case, reason = "handlers are named STATE_Message")]
    impl<L: Language> Operator<L> {
        fn INITIAL_Start(&mut self, _: Start) -> Next<Self> {
            Self::PENDING
        }

        fn PENDING_Opened(&mut self, opened: Opened) -> Next<Self> {
            Self::CONNECTED(Call { line: opened.line, served: 0 })
        }

        fn PENDING_Timeout(&mut self, _: Timeout) -> Next<Self> {
            Self::complete(TimedOut::default())
        }

        fn CONNECTED_Hello(&mut self, hello: Hello, call: &mut Call, cx: &mut Context) -> Next<Self> {
            call.served += 1;
            cx.reply(Welcome { your_name: hello.my_name, language: L::NAME.into() });
            Next::STAY
        }

        fn CONNECTED_HungUp(&mut self, _: HungUp, call: &mut Call, cx: &mut Context) -> Next<Self> {
            cx.console(format_args!("line {}: {} served", call.line, call.served));
            Self::PENDING
        }

        fn CONNECTED_Unknown(&mut self, unknown: Unknown, cx: &mut Context) -> Next<Self> {
            cx.forward(self.forward_to, unknown);
            Next::STAY
        }

        fn CONNECTED_Enter(&mut self, call: &mut Call, cx: &mut Context) {
            cx.console(format_args!("line {} opened", call.line));
        }

        fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
            Self::complete(Aborted)
        }
    }

    // As the macro writes it.
    #[allow(non_camel_case_types, clippy::upper_case_acronyms, reason = "the variants have the names of the states")]
    pub enum OperatorState {
        INITIAL,
        PENDING,
        CONNECTED(Call),
    }

    #[allow(non_snake_case, reason = "a state with data is a function of its name")]
    impl<L: Language> Operator<L> {
        pub const PENDING: Next<Self> = Next::Go(OperatorState::PENDING);

        pub fn CONNECTED(data: Call) -> Next<Self> {
            Next::Go(OperatorState::CONNECTED(data))
        }
    }

    const SHAPE: Shape = Shape {
        machine: "Operator",
        doc: "",
        states: &[
            StateShape { name: "INITIAL", data: None, timeout: None },
            StateShape { name: "PENDING", data: None, timeout: Some("5s") },
            StateShape { name: "CONNECTED", data: Some("Call"), timeout: None },
        ],
        messages: &["Start", "Opened", "Timeout", "Hello", "HungUp", "Stop"],
        handlers: &[
            HandlerShape { name: "INITIAL_Start", doc: "", goes: &[1], stays: false, ends: false },
            HandlerShape { name: "PENDING_Opened", doc: "", goes: &[2], stays: false, ends: false },
            HandlerShape { name: "PENDING_Timeout", doc: "", goes: &[], stays: false, ends: true },
            HandlerShape { name: "CONNECTED_Hello", doc: "", goes: &[], stays: true, ends: false },
            HandlerShape { name: "CONNECTED_HungUp", doc: "", goes: &[1], stays: false, ends: false },
            HandlerShape { name: "CONNECTED_Unknown", doc: "", goes: &[], stays: true, ends: false },
            HandlerShape { name: "CONNECTED_Enter", doc: "", goes: &[], stays: false, ends: false },
            HandlerShape { name: "ANY_Stop", doc: "", goes: &[], stays: false, ends: true },
        ],
        cells: {
            use CellShape::{Defer, Handler, None};
            &[
                &[Handler(0), None, None, None, None, Handler(7)],
                &[None, Handler(1), Handler(2), Defer, None, Handler(7)],
                &[None, None, None, Handler(3), Handler(4), Handler(7)],
            ]
        },
        unknown: &[None, None, Some(5)],
        enter: &[None, None, Some(6)],
        exit: &[None, None, None],
    };

    impl<L: Language> Machine for Operator<L> {
        type State = OperatorState;

        const TABLE: &'static Table<Self> = &Table {
            cells: &[
                &[
                    Cell::Call(|machine, _, body, cx| match body.open::<Start>() {
                        Ok(message) => machine.INITIAL_Start(message),
                        Err(refused) => cx.refuse(refused),
                    }),
                    Cell::Unknown,
                    Cell::Unknown,
                    Cell::Unknown,
                    Cell::Unknown,
                    Cell::Call(stop),
                ],
                &[
                    Cell::Unknown,
                    Cell::Call(|machine, _, body, cx| match body.open::<Opened>() {
                        Ok(message) => machine.PENDING_Opened(message),
                        Err(refused) => cx.refuse(refused),
                    }),
                    Cell::Call(|machine, _, body, cx| match body.open::<Timeout>() {
                        Ok(message) => machine.PENDING_Timeout(message),
                        Err(refused) => cx.refuse(refused),
                    }),
                    Cell::Defer,
                    Cell::Unknown,
                    Cell::Call(stop),
                ],
                &[
                    Cell::Unknown,
                    Cell::Unknown,
                    Cell::Unknown,
                    Cell::Call(|machine, state, body, cx| {
                        let OperatorState::CONNECTED(data) = state else { return Next::Stay };
                        match body.open::<Hello>() {
                            Ok(message) => machine.CONNECTED_Hello(message, data, cx),
                            Err(refused) => cx.refuse(refused),
                        }
                    }),
                    Cell::Call(|machine, state, body, cx| {
                        let OperatorState::CONNECTED(data) = state else { return Next::Stay };
                        match body.open::<HungUp>() {
                            Ok(message) => machine.CONNECTED_HungUp(message, data, cx),
                            Err(refused) => cx.refuse(refused),
                        }
                    }),
                    Cell::Call(stop),
                ],
            ],
            unknown: &[None, None, Some(|machine, _, unknown, cx| machine.CONNECTED_Unknown(unknown, cx))],
            timeouts: &[None, Some(Duration::from_secs(5)), None],
            shape: &SHAPE,
        };

        fn first() -> OperatorState {
            OperatorState::INITIAL
        }

        fn index(state: &OperatorState) -> usize {
            match state {
                OperatorState::INITIAL => 0,
                OperatorState::PENDING => 1,
                OperatorState::CONNECTED(_) => 2,
            }
        }

        fn column(id: MessageId) -> Option<usize> {
            const COLUMNS: Columns<16> =
                Columns::new(&[Start::ID, Opened::ID, Timeout::ID, Hello::ID, HungUp::ID, Stop::ID]);
            const ALSO: &[&[MessageId]] =
                &[Start::ALSO, Opened::ALSO, Timeout::ALSO, Hello::ALSO, HungUp::ALSO, Stop::ALSO];
            COLUMNS.find(id).or_else(|| former(id, ALSO))
        }

        fn enter(&mut self, state: &mut OperatorState, cx: &mut Context) {
            if let OperatorState::CONNECTED(data) = state {
                self.CONNECTED_Enter(data, cx);
            }
        }
    }

    fn stop<L: Language>(
        machine: &mut Operator<L>,
        _: &mut OperatorState,
        body: Body,
        cx: &mut Context,
    ) -> Next<Operator<L>> {
        match body.open::<Stop>() {
            Ok(message) => machine.ANY_Stop(message),
            Err(refused) => cx.refuse(refused),
        }
    }
}

mod by_macro {
    use fsm_core::{Unknown, state_machine};

    use super::*;

    pub struct Operator<L: Language> {
        pub forward_to: Address,
        pub language: PhantomData<L>,
    }

    #[state_machine(INITIAL, PENDING(defer(Hello), timeout = "5s"), CONNECTED(data = Call))]
    impl<L: Language> Operator<L> {
        fn INITIAL_Start(&mut self, _: Start) -> Next<Self> {
            Self::PENDING
        }

        fn PENDING_Opened(&mut self, opened: Opened) -> Next<Self> {
            Self::CONNECTED(Call { line: opened.line, served: 0 })
        }

        fn PENDING_Timeout(&mut self, _: Timeout) -> Next<Self> {
            Self::complete(TimedOut::default())
        }

        fn CONNECTED_Hello(&mut self, hello: Hello, call: &mut Call, cx: &mut Context) -> Next<Self> {
            call.served += 1;
            cx.reply(Welcome { your_name: hello.my_name, language: L::NAME.into() });
            Next::STAY
        }

        fn CONNECTED_HungUp(&mut self, _: HungUp, call: &mut Call, cx: &mut Context) -> Next<Self> {
            cx.console(format_args!("line {}: {} served", call.line, call.served));
            Self::PENDING
        }

        fn CONNECTED_Unknown(&mut self, unknown: Unknown, cx: &mut Context) -> Next<Self> {
            cx.forward(self.forward_to, unknown);
            Next::STAY
        }

        fn CONNECTED_Enter(&mut self, call: &mut Call, cx: &mut Context) {
            cx.console(format_args!("line {} opened", call.line));
        }

        fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
            Self::complete(Aborted)
        }
    }
}

/// The tests, for both forms.
macro_rules! suite {
    ($name:ident, $module:ident) => {
        mod $name {
            use core::time::Duration;

            use super::$module::Operator;
            use super::*;

            fn operator() -> Operator<English> {
                Operator { forward_to: Address::NONE, language: PhantomData }
            }

            fn hello(name: &str) -> Hello {
                Hello { my_name: name.into() }
            }

            #[test]
            fn a_deferred_message_is_handled_after_the_change_of_state() {
                let mut test = Harness::new(operator()).put(Operator::PENDING);
                assert!(test.give(hello("Gladys")).deferred());
                let step = test.give(Opened { line: 3 });
                let welcome = Welcome { your_name: "Gladys".into(), language: "English".into() };
                assert_eq!(step.sent_to::<Welcome>(test.peer()), [&welcome]);
            }

            #[test]
            fn state_data_lives_as_long_as_the_state() {
                let mut test = Harness::new(operator()).put(Operator::CONNECTED(Call { line: 7, served: 0 }));
                let _ = test.give(hello("Gladys"));
                let _ = test.give(hello("Fred"));
                assert_eq!(test.give(HungUp).said(), ["line 7: 2 served"]);
                assert_eq!(test.state(), "PENDING");
            }

            #[test]
            fn a_state_timeout_fires_at_its_time_and_not_before() {
                let mut test = Harness::new(operator());
                let _ = test.start();
                assert!(test.advance(Duration::from_millis(4_999)).value().is_none());
                assert!(test.advance(Duration::from_millis(1)).completed::<TimedOut>().is_some());
            }

            #[test]
            fn leaving_a_state_disarms_its_timeout() {
                let mut test = Harness::new(operator()).put(Operator::PENDING);
                let _ = test.give(Opened { line: 1 });
                assert!(test.advance(Duration::from_secs(60)).value().is_none());
            }

            #[test]
            fn entering_a_state_runs_its_enter() {
                let mut test = Harness::new(operator()).put(Operator::PENDING);
                assert_eq!(test.give(Opened { line: 9 }).said(), ["line 9 opened"]);
            }

            #[test]
            fn a_message_without_a_cell_goes_to_the_states_unknown() {
                let mut test = Harness::new(operator());
                let friend = test.stranger();
                test.machine_mut().forward_to = friend;
                let mut test = test.put(Operator::CONNECTED(Call { line: 7, served: 0 }));
                let step = test.give(Opened { line: 1 });
                assert!(step.forwarded::<Opened>(friend, test.peer()));
                assert!(step.unknown().is_empty());
            }

            #[test]
            fn a_message_without_a_cell_and_without_unknown_is_reported() {
                let mut test = Harness::new(operator()).put(Operator::PENDING);
                assert_eq!(test.give(HungUp).unknown(), ["twin.Hung"]);
            }

            #[test]
            fn stop_is_answered_in_every_state() {
                for state in [Operator::PENDING, Operator::CONNECTED(Call { line: 1, served: 0 })] {
                    let mut test = Harness::new(operator()).put(state);
                    assert!(test.give(Stop).completed::<Aborted>().is_some());
                }
            }

            #[test]
            fn a_body_that_does_not_fit_is_refused_and_the_machine_stays() {
                let mut bad = hello("Gladys").encode().unwrap();
                bad.bytes = vec![0xc1];
                let mut test = Harness::new(operator()).put(Operator::CONNECTED(Call { line: 1, served: 0 }));
                let step = test.give(fsm_core::Body::encoded(bad));
                assert_eq!(step.refused()[0].expected(), "twin.Hello");
                assert_eq!(test.state(), "CONNECTED");
            }

            #[test]
            fn it_runs_in_a_kernel() {
                let mut kernel = Kernel::new(Limits::default());
                let point = kernel.create(operator());
                kernel.send(point, Address::NONE, hello("Gladys"));
                kernel.send(point, Address::NONE, Opened { line: 1 });
                kernel.send(point, Address::NONE, Stop);
                kernel.run(100);
                assert!(kernel.take_result().is_some_and(|(address, value)| address == point && value.is::<Aborted>()));
                assert_eq!((kernel.counters().deferred, kernel.points()), (1, 0));
            }

            #[test]
            fn its_table_is_data() {
                let shape = Operator::<English>::TABLE.shape;
                assert_eq!(shape.machine, "Operator");
                let cells = |state: usize| {
                    let mut cells: Vec<_> = shape.expected(state).collect();
                    cells.sort_unstable();
                    cells
                };
                assert_eq!(cells(1), ["Hello", "Opened", "Stop", "Timeout"]);
                let diagram = Operator::<English>::diagram();
                assert!(diagram.contains("PENDING --> CONNECTED: Opened"), "{diagram}");
                assert!(diagram.contains("PENDING : defers Hello"), "{diagram}");
                assert!(diagram.contains("CONNECTED --> [*]: Stop"), "{diagram}");
                assert!(Operator::<English>::matrix().contains("| PENDING |"));
            }
        }
    };
}

suite!(the_machine_by_hand, by_hand);
suite!(the_machine_by_the_macro, by_macro);

#[test]
fn both_forms_have_the_same_diagram() {
    let by_hand = by_hand::Operator::<English>::diagram();
    assert_eq!(by_hand, by_macro::Operator::<English>::diagram());
}

#[test]
fn both_forms_have_the_same_handlers_and_edges() {
    let describe = |shape: &fsm_core::Shape| {
        let handlers = shape.handlers.iter();
        let mut lines: Vec<_> = handlers
            .map(|handler| {
                let goes: Vec<_> = handler.goes.iter().map(|state| shape.state_name(*state)).collect();
                format!("{} goes {goes:?} stays {} ends {}", handler.name, handler.stays, handler.ends)
            })
            .collect();
        lines.sort_unstable();
        lines
    };
    let by_hand = describe(by_hand::Operator::<English>::TABLE.shape);
    assert_eq!(by_hand, describe(by_macro::Operator::<English>::TABLE.shape));
}
