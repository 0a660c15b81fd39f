//! The libraries that have an adapter, described once: what the command line, the report and npm need to know of each.

/// The libraries that have an adapter in `benchmark/src/adapters/<id>.ts`, in the order of the report. A new one is that
/// file and a line here.
pub const LIBRARIES: &[Library] = &[
    Library { id: "aws-sdk", name: "AWS SDK", package: "@aws-sdk/lib-dynamodb", by_default: true },
    Library { id: "mizzle", name: "Mizzle", package: "@aurios/mizzle", by_default: true },
    Library { id: "dynamoose", name: "Dynamoose", package: "dynamoose", by_default: true },
    Library { id: "electrodb", name: "ElectroDB", package: "electrodb", by_default: true },
    Library { id: "toolbox", name: "DynamoDB-Toolbox", package: "dynamodb-toolbox", by_default: false },
    Library { id: "onetable", name: "OneTable", package: "dynamodb-onetable", by_default: false },
    Library { id: "nova-odm", name: "Nova ODM", package: "@nova-odm/mapper", by_default: false },
    Library { id: "aws-lite", name: "aws-lite", package: "@aws-lite/dynamodb", by_default: false },
    Library { id: "aws-client", name: "AWS SDK client", package: "@aws-sdk/client-dynamodb", by_default: false },
];

/// A library that has an adapter in `benchmark/src/adapters`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Library {
    pub id: &'static str,
    /// For people.
    pub name: &'static str,
    /// On npm.
    pub package: &'static str,
    /// Whether it is measured where no library is named.
    pub by_default: bool,
}

impl Library {
    /// A library that is not in [`LIBRARIES`]. Its names live as long as this process, which plans one run.
    pub fn named(id: &str, name: &str, package: &str) -> Library {
        let kept = |text: &str| -> &'static str { Box::leak(text.into()) };
        Library { id: kept(id), name: kept(name), package: kept(package), by_default: false }
    }

    /// # Errors
    /// An id that no adapter has, in a sentence that lists those that there are.
    pub fn find(id: &str) -> Result<Library, String> {
        LIBRARIES.iter().copied().find(|library| library.id == id).ok_or_else(|| {
            let known: Vec<_> = LIBRARIES.iter().map(|library| library.id).collect();
            format!("no such library; there are {}", known.join(", "))
        })
    }
}
