//! A parsed `.npy` file, and the scalars in it.

use super::dtype::{Field, Item, Kind, Scalar, item, split_header};
use super::literal::{self, Literal};
use super::repr::{float_repr, python_repr};
use crate::DataError;

/// A parsed `.npy` file. Its data has exactly the length that shape and type ask for.
#[derive(Debug, Clone)]
pub struct Array<'a> {
    item: Item,
    shape: Vec<usize>,
    fortran_order: bool,
    data: &'a [u8],
}

impl<'a> Array<'a> {
    /// Parses header and data. Records (structured types) keep their fields by name and offset;
    /// unnamed fields are padding.
    ///
    /// # Errors
    /// Another magic number or version, a header that is not NumPy's, a type that would need code
    /// to run (`O`), and more or fewer bytes of data than the header says.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DataError> {
        let (header, data) = split_header(bytes)?;
        let in_header =
            |found: String, expected: &str| DataError::new("the .npy header", found, expected);
        let header = literal::parse(header)
            .map_err(|at| in_header(format!("an odd character at {at}"), "a Python dictionary"))?;
        let entry = |key: &str| {
            header.get(key).ok_or_else(|| {
                in_header(format!("no key '{key}'"), "descr, fortran_order and shape")
            })
        };
        let item = item(entry("descr")?)?;
        let Literal::Bool(fortran_order) = *entry("fortran_order")? else {
            return Err(in_header(
                "a fortran_order that is neither".into(),
                "True or False",
            ));
        };
        let Literal::Sequence(shape) = entry("shape")? else {
            return Err(in_header(
                "a shape that is no tuple".into(),
                "a tuple of sizes",
            ));
        };
        let shape = shape
            .iter()
            .map(|size| match size {
                Literal::Integer(size) => usize::try_from(*size).ok(),
                _ => None,
            })
            .collect::<Option<Vec<_>>>()
            .filter(|shape| shape.len() <= 32)
            .ok_or_else(|| in_header("an odd shape".into(), "at most 32 sizes"))?;
        let n_bytes = shape
            .iter()
            .try_fold(item.n_bytes(), |product, size| product.checked_mul(*size));
        if n_bytes != Some(data.len()) {
            return Err(broken!(
                "the .npy data"; "{} bytes", data.len();
                "the size of {shape:?} items of {} bytes", item.n_bytes()
            ));
        }
        Ok(Self {
            item,
            shape,
            fortran_order,
            data,
        })
    }

    /// The size of each dimension; empty for a single scalar.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Number of items.
    pub fn n_items(&self) -> usize {
        self.shape.iter().product()
    }

    /// All items of an array of scalars, in C order.
    ///
    /// # Errors
    /// An array of records.
    pub fn scalars(&self) -> Result<Scalars<'_>, DataError> {
        match &self.item {
            Item::Scalar(scalar) => Ok(Scalars {
                array: self,
                scalar: *scalar,
                offset: 0,
            }),
            Item::Record { .. } => Err(broken!(
                "the .npy header"; "records"; "plain numbers or strings"
            )),
        }
    }

    /// One field of all items of an array of records, in C order; `None` if no field has the name.
    pub fn field(&self, name: &str) -> Option<Scalars<'_>> {
        let Item::Record { fields, .. } = &self.item else {
            return None;
        };
        let field = fields.iter().find(|field| field.name == name)?;
        Some(Scalars {
            array: self,
            scalar: field.scalar,
            offset: field.offset,
        })
    }

    /// Names of a record's fields; empty for scalars.
    pub fn field_names(&self) -> impl Iterator<Item = &str> {
        let fields: &[Field] = match &self.item {
            Item::Scalar(_) => &[],
            Item::Record { fields, .. } => fields,
        };
        fields.iter().map(|field| field.name.as_str())
    }

    pub(super) fn shape_error(&self, expected: &str) -> DataError {
        DataError::new(
            "the .npy header",
            format!("shape {:?}", self.shape),
            expected,
        )
    }

    /// Offset of item `index` (in C order) in the data.
    fn position(&self, index: usize) -> usize {
        let n_bytes = self.item.n_bytes();
        if !self.fortran_order {
            return index * n_bytes;
        }
        let mut rest = index;
        let mut position = 0;
        let mut stride: usize = self.shape.iter().product();
        for size in self.shape.iter().rev() {
            stride /= size;
            position += rest % size * stride;
            rest /= size;
        }
        position * n_bytes
    }
}

/// The same scalar of each item of an array, in C order.
#[derive(Debug, Clone, Copy)]
pub struct Scalars<'a> {
    array: &'a Array<'a>,
    scalar: Scalar,
    offset: usize,
}

impl Scalars<'_> {
    /// Booleans (0 and 1), integers and floats as float64.
    ///
    /// # Errors
    /// Text, or an integer beyond 2⁵³ that float64 does not hold.
    pub fn numbers(&self) -> Result<Vec<f64>, DataError> {
        match self.scalar.kind {
            Kind::Float => Ok(self.items().map(|bytes| self.scalar.float(bytes)).collect()),
            Kind::Bool | Kind::Signed | Kind::Unsigned => self
                .items()
                .map(|bytes| match self.integer(bytes)? {
                    value if value.unsigned_abs() <= 1 << 53 => Ok(value as f64),
                    value => Err(broken!("the .npy data"; "{value}"; "at most 2^53")),
                })
                .collect(),
            _ => Err(self.type_error("numbers")),
        }
    }

    /// Booleans (0 and 1) and integers.
    ///
    /// # Errors
    /// Another type, or an unsigned integer beyond `i64`.
    pub fn integers(&self) -> Result<Vec<i64>, DataError> {
        if !matches!(self.scalar.kind, Kind::Bool | Kind::Signed | Kind::Unsigned) {
            return Err(self.type_error("integers"));
        }
        self.items().map(|bytes| self.integer(bytes)).collect()
    }

    fn integer(&self, bytes: &[u8]) -> Result<i64, DataError> {
        self.scalar.integer(bytes).ok_or_else(|| {
            DataError::new("the .npy data", "an integer beyond 2^63", "a smaller one")
        })
    }

    /// Class names: integers in decimal, booleans as `False` and `True`, floats as Python's
    /// `repr` writes them, strings as they are.
    ///
    /// # Errors
    /// Another type, or bytes that are no text.
    pub fn texts(&self) -> Result<Vec<String>, DataError> {
        let mut texts = Vec::new();
        self.each_text(|text| {
            texts.push(text);
            Ok(())
        })?;
        Ok(texts)
    }

    /// Hands out one text of [`Self::texts`] after the other.
    pub(super) fn each_text(
        &self,
        mut take: impl FnMut(String) -> Result<(), DataError>,
    ) -> Result<(), DataError> {
        if self.scalar.kind == Kind::Void {
            return Err(self.type_error("integers, booleans, floats or strings"));
        }
        self.items().try_for_each(|bytes| take(self.text(bytes)?))
    }

    fn text(&self, bytes: &[u8]) -> Result<String, DataError> {
        let text = match self.scalar.kind {
            Kind::Bool => Some(if bytes[0] == 0 { "False" } else { "True" }.to_owned()),
            Kind::Signed | Kind::Unsigned => Some(self.integer(bytes)?.to_string()),
            Kind::Float if self.scalar.n_bytes == 4 => {
                // Casts: it was float32.
                let value = self.scalar.float(bytes) as f32;
                Some(python_repr(&format!("{value:e}")))
            }
            Kind::Float => Some(float_repr(self.scalar.float(bytes))),
            Kind::Unicode => self.scalar.unicode(bytes),
            Kind::Bytes => {
                let end = bytes.iter().rposition(|byte| *byte != 0);
                let text = &bytes[..end.map_or(0, |at| at + 1)];
                String::from_utf8(text.to_vec()).ok()
            }
            Kind::Void => None,
        };
        text.ok_or_else(|| DataError::new("the .npy data", "bytes that are no text", "strings"))
    }

    fn items(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.array.n_items()).map(|index| {
            let at = self.array.position(index) + self.offset;
            &self.array.data[at..at + self.scalar.n_bytes]
        })
    }

    fn type_error(&self, expected: &str) -> DataError {
        DataError::new(
            "the .npy header",
            format!("{:?} of {} bytes", self.scalar.kind, self.scalar.n_bytes),
            expected,
        )
    }
}
