//! The field GF(2^16) of the erasure code: 16-bit integers whose bit i is the coefficient of x^i, modulo
//! x^16 + x^12 + x^3 + x + 1 (SPQR, section 5.4). Adding and subtracting are both XOR.
//!
//! All that is coded travels in the open, so nothing here needs to take constant time; it has no tables because
//! they would be larger than everything else in a session.

/// What x^16 is once it is reduced.
const REDUCED: u16 = 0x100B;

/// Product of two elements.
pub(super) const fn multiply(a: u16, b: u16) -> u16 {
    let (a, b) = (a as u32, b as u32);
    let mut product = 0;
    let mut bit = 0;
    while bit < 16 {
        product ^= (a << bit) & ((b >> bit) & 1).wrapping_neg();
        bit += 1;
    }
    reduce(product)
}

/// The remainder of a product of two elements, which has at most 31 bits.
///
/// The quotient is `high / (1 + x^-4 + x^-13 + x^-15 + x^-16)`. Of that power series only the terms before x^-15
/// reach a `high` of 15 bits.
const fn reduce(product: u32) -> u16 {
    let high = product >> 16;
    let quotient = high ^ (high >> 4) ^ (high >> 8) ^ (high >> 12) ^ (high >> 13);
    ((product ^ (quotient << 12) ^ (quotient << 3) ^ (quotient << 1) ^ quotient) & 0xFFFF) as u16
}

/// The element whose product with `a` is one, which is the power 65534 of `a`; zero for zero.
pub(super) const fn invert(a: u16) -> u16 {
    // 65534 is the sum of 2^1 to 2^15.
    let mut power = a;
    let mut inverse = 1;
    let mut bit = 1;
    while bit < 16 {
        power = multiply(power, power);
        inverse = multiply(inverse, power);
        bit += 1;
    }
    inverse
}

/// Multiplies elements pairwise, many at once where there are vector instructions.
pub(super) fn multiply_each<const N: usize>(factors: &mut [u16; N], others: &[u16; N]) {
    let mut products = [0; N];
    for bit in (0..16).rev() {
        double(&mut products);
        for ((product, factor), other) in products.iter_mut().zip(&*factors).zip(others) {
            *product ^= factor & ((other >> bit) & 1).wrapping_neg();
        }
    }
    *factors = products;
}

/// Multiplies elements by x.
pub(super) fn double<const N: usize>(elements: &mut [u16; N]) {
    for element in elements {
        *element = (*element << 1) ^ (REDUCED & (*element >> 15).wrapping_neg());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Multiplication by the schoolbook: shift, and subtract the polynomial when a bit falls out.
    fn slowly(a: u16, b: u16) -> u16 {
        (0..16).rev().fold(0, |product: u16, bit| {
            let carry = if product >> 15 == 1 { REDUCED } else { 0 };
            (product << 1) ^ carry ^ if b >> bit & 1 == 1 { a } else { 0 }
        })
    }

    #[test]
    fn every_element_but_zero_has_an_inverse() {
        assert_eq!(invert(0), 0);
        for a in 1..=u16::MAX {
            assert_eq!(multiply(a, invert(a)), 1, "{a}");
        }
    }

    #[test]
    fn every_reduction_step_is_that_of_the_schoolbook() {
        for a in (0..16).map(|bit| 1 << bit) {
            for b in 0..=u16::MAX {
                assert_eq!(multiply(a, b), slowly(a, b), "{a} * {b}");
            }
        }
    }

    proptest! {
        #[test]
        fn products_are_those_of_the_schoolbook(a: u16, b: u16) {
            prop_assert_eq!(multiply(a, b), slowly(a, b));
            let mut doubled = [a; 16];
            double(&mut doubled);
            prop_assert_eq!(doubled, [slowly(a, 2); 16]);
            let mut products = [a, b, a];
            multiply_each(&mut products, &[b, b, a]);
            prop_assert_eq!(products, [slowly(a, b), slowly(b, b), slowly(a, a)]);
        }
    }
}
