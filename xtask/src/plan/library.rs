//! The libraries that have an adapter, described once: what the command line, the report and npm need to know of each.

/// The libraries that have an adapter, in the order of the report, with their names for people and on npm.
pub const LIBRARIES: [Library; 4] = [
    Library { id: "aws-sdk", name: "AWS SDK", package: "@aws-sdk/lib-dynamodb" },
    Library { id: "mizzle", name: "Mizzle", package: "@aurios/mizzle" },
    Library { id: "dynamoose", name: "Dynamoose", package: "dynamoose" },
    Library { id: "electrodb", name: "ElectroDB", package: "electrodb" },
];

/// A library that has an adapter in `benchmark/src/adapters`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Library {
    pub id: &'static str,
    pub name: &'static str,
    pub package: &'static str,
}

impl Library {
    /// # Errors
    /// An id that no adapter has, in a sentence that lists those that there are.
    pub fn find(id: &str) -> Result<Library, String> {
        LIBRARIES.into_iter().find(|library| library.id == id).ok_or_else(|| {
            let known: Vec<_> = LIBRARIES.iter().map(|library| library.id).collect();
            format!("no such library; there are {}", known.join(", "))
        })
    }
}
