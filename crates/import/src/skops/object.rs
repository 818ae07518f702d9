//! The object graph of a skops file: objects with attributes, lists, scalars and arrays.
//!
//! Nothing is constructed: an object's class is a name to compare with, its attributes are data.

use std::collections::BTreeMap;

use serde_json::Value;
use spinney_dataset::limits::JSON_VALUES;
use spinney_dataset::npy::{Array, Scalars};
use spinney_dataset::{Budget, archive};

use crate::{ImportError, classes, shown};

/// Bytes that a number of an array takes: decoded, in a tree, and in the tree that is folded.
const NUMBER_BYTES: u64 = 24;
/// Bytes that an item of a list takes, with its place.
const ITEM_BYTES: u64 = 160;

/// Zip archives that are no skops files, by how the name of a member ends.
const ZIPS: [(&str, &str); 6] = [
    ("data.pkl", "a PyTorch model"),
    ("model.weights.h5", "a Keras model"),
    ("model.ini", "an H2O model (MOJO)"),
    ("MANIFEST.MF", "a Java archive"),
    (
        "[Content_Types].xml",
        "an Office document, such as an Excel sheet,",
    ),
    (".npy", "a zip of arrays (.npz)"),
];

/// An unpacked skops file.
pub(super) struct Store {
    schema: Value,
    members: BTreeMap<String, Vec<u8>>,
    budget: Budget,
    keeps_sides: bool,
}

impl Store {
    /// Unpacks the file and parses its schema; see [`Object::keeps_sides`].
    pub(super) fn open(bytes: &[u8], keeps_sides: bool) -> Result<Self, ImportError> {
        let budget = Budget::of(bytes.len());
        let members = archive::unpack(bytes, &budget)?;
        let schema = members.get("schema.json").ok_or_else(|| {
            let has = |ending: &str| members.keys().any(|name| name.ends_with(ending));
            let found = ZIPS.iter().find(|(ending, _)| has(ending));
            ImportError::refused(
                found.map_or("a zip archive without schema.json", |(_, name)| *name),
                "skops.io.dump(model, \"model.skops\") writes a skops file",
            )
        })?;
        budget.take_json("schema.json", schema, JSON_VALUES)?;
        let schema: Value = serde_json::from_slice(schema).map_err(|error| {
            ImportError::broken("schema.json", error.to_string(), "JSON as skops writes it")
        })?;
        Ok(Self {
            schema,
            members,
            budget,
            keeps_sides,
        })
    }
}

/// One object of the graph.
#[derive(Clone)]
pub(super) struct Object<'s> {
    store: &'s Store,
    value: &'s Value,
    place: String,
}

impl<'s> Object<'s> {
    /// The object that was dumped.
    pub(super) fn root(store: &'s Store) -> Result<Self, ImportError> {
        let root = Self {
            store,
            value: &store.schema,
            place: String::new(),
        };
        match root.loader() {
            "ObjectNode" => Ok(Self {
                place: root.class_name().to_owned(),
                ..root
            }),
            _ => Err(ImportError::refused(
                format!("a skops file that holds a {}", root.shown_class()),
                "dump the fitted estimator or Pipeline itself",
            )),
        }
    }

    /// What is left of what the file may take.
    pub(super) fn budget(&self) -> &'s Budget {
        &self.store.budget
    }

    /// Whether sides of missing readings count that no row taught.
    pub(super) fn keeps_sides(&self) -> bool {
        self.store.keeps_sides
    }

    /// Where the object stands, for messages.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// Whether the file says that both are one object, which it repeats.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let id = &self.value["__id__"];
        !id.is_null() && *id == other.value["__id__"]
    }

    fn loader(&self) -> &'s str {
        self.value["__loader__"].as_str().unwrap_or("")
    }

    /// The class without its module.
    pub(super) fn class_name(&self) -> &'s str {
        self.value["__class__"].as_str().unwrap_or("")
    }

    /// Whether the class is one of scikit-learn's own.
    pub(super) fn is_sklearn(&self) -> bool {
        self.value["__module__"]
            .as_str()
            .is_some_and(|module| module.starts_with("sklearn."))
    }

    /// The class as a message shows it, short and without control characters.
    pub(super) fn shown_class(&self) -> String {
        let module = self.value["__module__"].as_str().unwrap_or("?");
        let full = if self.is_sklearn() {
            self.class_name().to_owned()
        } else {
            format!("{module}.{}", self.class_name())
        };
        full.chars()
            .take(120)
            .collect::<String>()
            .escape_default()
            .to_string()
    }

    /// The scikit-learn version that fitted an estimator.
    pub(super) fn version(&self) -> Option<String> {
        self.find("_sklearn_version")?.text().ok()
    }

    /// The object's state by attribute.
    fn attributes(&self) -> &'s Value {
        let content = &self.value["content"];
        match self.loader() {
            // An estimator's or a tree's state is a dictionary.
            "ObjectNode" | "TreeNode" => &content["content"],
            _ => content,
        }
    }

    /// An attribute, unless it is missing or `None`.
    pub(super) fn find(&self, name: &str) -> Option<Self> {
        let found = Self {
            store: self.store,
            value: self.attributes().get(name)?,
            place: format!("{}.{name}", self.place),
        };
        (!found.is_none()).then_some(found)
    }

    /// An attribute.
    ///
    /// # Errors
    /// It is missing or `None`.
    pub(super) fn get(&self, name: &str) -> Result<Self, ImportError> {
        self.find(name).ok_or_else(
            || broken!(&self.place; "no attribute {name}"; "one, as a fitted estimator has it"),
        )
    }

    /// Refuses state beside the attributes of these names: a later version may mean something by
    /// it that would change what the model says.
    ///
    /// # Errors
    /// The attributes that are not known, by their names.
    pub(super) fn refuse_unknown(&self, known: &[&str]) -> Result<(), ImportError> {
        let names = self.attributes().as_object();
        let names = names.into_iter().flat_map(serde_json::Map::keys);
        refuse_unknown(&self.place, names.map(String::as_str), known)
    }

    /// Whether the object is `None`.
    pub(super) fn is_none(&self) -> bool {
        self.loader() == "JsonNode" && self.value["content"] == "null"
    }

    /// The arguments with which a tree was constructed.
    pub(super) fn constructor_arguments(&self) -> Result<Vec<Self>, ImportError> {
        Self {
            store: self.store,
            value: &self.value["__reduce__"]["args"],
            place: format!("{}.__reduce__", self.place),
        }
        .items()
    }

    /// The items of a list, a tuple or an array of objects.
    pub(super) fn items(&self) -> Result<Vec<Self>, ImportError> {
        let items = self.value["content"]
            .as_array()
            .ok_or_else(|| self.odd("a list"))?;
        (self.store.budget).take_items(&self.place, items.len(), ITEM_BYTES)?;
        Ok(items
            .iter()
            .enumerate()
            .map(|(index, value)| Self {
                store: self.store,
                value,
                place: format!("{}[{index}]", self.place),
            })
            .collect())
    }

    /// A Python string, number or boolean; NumPy's scalars too.
    pub(super) fn scalar(&self) -> Result<Value, ImportError> {
        if self.loader() == "NdArrayNode" {
            let array = self.array()?;
            let scalars = array.scalars().map_err(|error| self.inside(error))?;
            if array.n_items() == 1 {
                if let Ok(integers) = scalars.integers() {
                    return Ok(integers[0].into());
                }
                if let Ok(numbers) = scalars.numbers() {
                    return Ok(numbers[0].into());
                }
                return scalars
                    .texts()
                    .map(|texts| texts[0].as_str().into())
                    .map_err(|error| self.inside(error));
            }
        }
        let text = self.value["content"]
            .as_str()
            .filter(|_| self.loader() == "JsonNode");
        text.and_then(|text| serde_json::from_str(text).ok())
            .ok_or_else(|| self.odd("a string, number or boolean"))
    }

    pub(super) fn text(&self) -> Result<String, ImportError> {
        match self.scalar()? {
            Value::String(text) => Ok(text),
            _ => Err(self.odd("a string")),
        }
    }

    /// A number. Python's JSON has words for those that JSON lacks.
    pub(super) fn number(&self) -> Result<f64, ImportError> {
        let word = self.value["content"].as_str();
        match word.filter(|_| self.loader() == "JsonNode") {
            Some("Infinity") => return Ok(f64::INFINITY),
            Some("-Infinity") => return Ok(f64::NEG_INFINITY),
            Some("NaN") => return Ok(f64::NAN),
            _ => {}
        }
        self.scalar()?.as_f64().ok_or_else(|| self.odd("a number"))
    }

    /// An integer of at least 0.
    pub(super) fn size(&self) -> Result<usize, ImportError> {
        self.scalar()?
            .as_u64()
            .and_then(|size| usize::try_from(size).ok())
            .ok_or_else(|| self.odd("an integer of at least 0"))
    }

    pub(super) fn flag(&self) -> Result<bool, ImportError> {
        match self.scalar()? {
            Value::Bool(flag) => Ok(flag),
            // NumPy's booleans.
            Value::Number(number) => Ok(number.as_f64() != Some(0.0)),
            _ => Err(self.odd("True or False")),
        }
    }

    /// An array that is stored as an `.npy` member.
    pub(super) fn array(&self) -> Result<Array<'s>, ImportError> {
        let file = self.value["file"]
            .as_str()
            .ok_or_else(|| self.odd("an array"))?;
        let bytes = self.store.members.get(file).ok_or_else(|| {
            broken!(
                &self.place; "the file \"{}\"", file.escape_default(); "a member of the archive"
            )
        })?;
        let array = Array::parse(bytes).map_err(|error| self.inside(error))?;
        let n_numbers = array.field_names().count().max(1);
        let n_numbers = n_numbers.saturating_mul(array.n_items());
        self.store
            .budget
            .take_items(&self.place, n_numbers, NUMBER_BYTES)?;
        Ok(array)
    }

    /// An array of numbers in C order, of `n_items` items.
    pub(super) fn numbers(&self, n_items: usize) -> Result<Vec<f64>, ImportError> {
        let numbers = self.all_numbers()?;
        if numbers.len() == n_items {
            return Ok(numbers);
        }
        Err(broken!(&self.place; "{} numbers", numbers.len(); "{n_items}"))
    }

    /// Numbers of a list or of an array of any shape.
    pub(super) fn list_of_numbers(&self) -> Result<Vec<f64>, ImportError> {
        if self.value["content"].is_array() {
            return self.items()?.iter().map(Self::number).collect();
        }
        self.all_numbers()
    }

    fn all_numbers(&self) -> Result<Vec<f64>, ImportError> {
        let array = self.array()?;
        let numbers = array.scalars().and_then(|scalars| scalars.numbers());
        numbers.map_err(|error| self.inside(error))
    }

    /// An array of names: class labels of any type, or feature names.
    pub(super) fn labels(&self) -> Result<Vec<String>, ImportError> {
        if self.value["content"].is_array() {
            let items = self.items()?;
            let names = items.iter().map(|item| {
                let name = classes::name(&item.scalar()?);
                name.ok_or_else(|| item.odd("a string, integer, boolean or float"))
            });
            return names.collect();
        }
        let array = self.array()?;
        (self.store.budget).take_items(&self.place, array.n_items(), ITEM_BYTES)?;
        let texts = array.scalars().and_then(|scalars| scalars.texts());
        texts.map_err(|error| self.inside(error))
    }

    /// An error about this object.
    pub(super) fn odd(&self, expected: &str) -> ImportError {
        let found = match self.value {
            Value::Object(_) => format!("a {}", self.shown_class()),
            _ => "something else".to_owned(),
        };
        ImportError::broken(&self.place, found, expected)
    }

    /// An error inside this object's array.
    pub(super) fn inside(&self, error: spinney_dataset::DataError) -> ImportError {
        ImportError::from(error).within(&self.place)
    }
}

/// Lists of a number per node, one beside the other in an array.
pub(super) struct Fields<'s> {
    at: Object<'s>,
    array: Array<'s>,
    version: Option<String>,
}

impl<'s> Fields<'s> {
    /// Opens the lists, as scikit-learn of this version wrote them.
    ///
    /// # Errors
    /// Names other than those known.
    pub(super) fn of(
        at: Object<'s>,
        known: &[&str],
        version: Option<String>,
    ) -> Result<Self, ImportError> {
        let array = at.array()?;
        refuse_unknown(at.place(), array.field_names(), known)?;
        Ok(Self { at, array, version })
    }

    /// Whether there is a list of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.array.field(name).is_some()
    }

    fn list(&self, name: &str) -> Result<Scalars<'_>, ImportError> {
        self.array.field(name).ok_or_else(|| {
            let names: Vec<&str> = self.array.field_names().collect();
            let version = self.version.as_deref().unwrap_or("of unknown version");
            broken!(
                self.at.place(); "fields {} of scikit-learn {version}", names.join(", ");
                "a field {name}, as versions 1.1.3 to 1.9.1 write it"
            )
        })
    }

    pub(super) fn integers(&self, name: &str) -> Result<Vec<i64>, ImportError> {
        let integers = self.list(name)?.integers();
        integers.map_err(|error| self.at.inside(error))
    }

    pub(super) fn numbers(&self, name: &str) -> Result<Vec<f64>, ImportError> {
        let numbers = self.list(name)?.numbers();
        numbers.map_err(|error| self.at.inside(error))
    }
}

/// Refuses names that are not among those that this crate knows the meaning of.
fn refuse_unknown<'n>(
    place: &str,
    names: impl Iterator<Item = &'n str>,
    known: &[&str],
) -> Result<(), ImportError> {
    let unknown: Vec<String> = names
        .filter(|name| !known.contains(name))
        .take(8)
        .map(shown)
        .collect();
    if unknown.is_empty() {
        return Ok(());
    }
    Err(ImportError::refused(
        format!("{place} with {}", unknown.join(", ")),
        "this state is none that scikit-learn 1.1.3 to 1.9.1 writes, and it may change what the \
         model says: fit with one of these versions",
    ))
}
