//! Tuples of up to eight: points of different types, and their values.

/// Writes `From` for tuples of points.
macro_rules! from_tuples {
    ($composition:ident) => {
        $crate::compose::tuples::from_tuples!(@ $composition; A a, B b, C c, D d, E e, F f, G g, H h);
    };
    (@ $composition:ident; $first:ident $one:ident) => {};
    (@ $composition:ident; $first:ident $one:ident, $($type:ident $point:ident),+) => {
        impl<$first: $crate::IntoPoint, $($type: $crate::IntoPoint),+> From<($first, $($type),+)> for $composition {
            fn from(($one, $($point),+): ($first, $($type),+)) -> Self {
                Self::new([$one.into_point(), $($point.into_point()),+])
            }
        }
        $crate::compose::tuples::from_tuples!(@ $composition; $($type $point),+);
    };
}

pub(super) use from_tuples;
