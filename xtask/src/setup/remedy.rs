//! The one command that installs what is missing, for the package manager that this machine has, or else the page that
//! says how. Commands for people to read: nothing here is run.

/// Node 20 or newer, with npm.
pub fn node() -> String {
    // Distributions carry an old Node for years; Homebrew's is current.
    let brew = [("brew", "brew install node")];
    install(&brew, "https://nodejs.org/en/download")
}

/// A Java runtime that DynamoDB Local runs on.
pub fn java() -> String {
    let commands = [
        ("apt-get", "apt-get install default-jre-headless"),
        ("dnf", "dnf install java-17-openjdk-headless"),
        ("pacman", "pacman -S jre17-openjdk-headless"),
        ("apk", "apk add openjdk17-jre-headless"),
        ("brew", "brew install openjdk@17"),
    ];
    install(&commands, "https://adoptium.net/temurin/releases")
}

/// Docker's engine with Compose.
pub fn docker() -> String {
    let brew = [("brew", "brew install --cask docker")];
    install(&brew, "https://docs.docker.com/get-started/get-docker")
}

/// Compose, for a Docker that is there.
pub fn compose() -> String {
    let commands = [("apt-get", "apt-get install docker-compose"), ("dnf", "dnf install docker-compose")];
    install(&commands, "https://docs.docker.com/compose/install")
}

/// Starts Docker's engine.
pub fn start_docker() -> String {
    if cfg!(target_os = "macos") {
        return "open -a Docker".to_owned();
    }
    install(&[("systemctl", "systemctl start docker"), ("service", "service docker start")], "dockerd")
}

/// The command of the first of these programs that is there, else the page.
fn install(commands: &[(&str, &str)], page: &str) -> String {
    let found = commands.iter().find(|(program, _)| which::which(program).is_ok());
    found.map_or_else(|| page.to_owned(), |(program, command)| command_of(program, command))
}

fn command_of(program: &str, command: &str) -> String {
    // Homebrew refuses to run as root.
    let needs_root = program != "brew" && !rustix::process::geteuid().is_root();
    if needs_root { format!("sudo {command}") } else { command.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_program_that_is_there_is_advised_and_else_the_page() {
        assert!(install(&[("no-such-program", "no"), ("sh", "sh install")], "page").ends_with("sh install"));
        assert_eq!(install(&[("no-such-program", "no")], "page"), "page");
        assert_eq!(command_of("brew", "brew install node"), "brew install node");
    }
}
