//! AWS settings of the environment, servers of other machines, and who can reach ours.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use crate::support::{Place, Running, Server, has_docker, run};

/// Passes connections on to a server and keeps what clients said.
fn listening_proxy(to: SocketAddr) -> (SocketAddr, Arc<Mutex<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let said: Arc<Mutex<Vec<u8>>> = Arc::default();
    let all = Arc::clone(&said);
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let (client, server) = (client.unwrap(), TcpStream::connect(to).unwrap());
            let (from_server, to_client) = (server.try_clone().unwrap(), client.try_clone().unwrap());
            let all = Arc::clone(&all);
            std::thread::spawn(move || pass(client, server, |bytes| all.lock().unwrap().extend_from_slice(bytes)));
            std::thread::spawn(move || pass(from_server, to_client, |_| {}));
        }
    });
    (address, said)
}

fn pass(mut from: TcpStream, mut to: TcpStream, mut see: impl FnMut(&[u8])) {
    let mut bytes = [0; 16384];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        see(&bytes[..count]);
        if to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

#[test]
fn credentials_and_profiles_of_the_environment_are_not_used_and_never_sent() {
    let place = Place::new();
    let server = Server::start();
    let (proxy, said) = listening_proxy(server.address);
    // Where AWS settings point: nobody may come here.
    let trap = TcpListener::bind("127.0.0.1:0").unwrap();
    let trap_url = format!("http://{}", trap.local_addr().unwrap());
    let visits = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&visits);
    std::thread::spawn(move || {
        for _ in trap.incoming() {
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });
    let aws = place.folder().join("home/.aws");
    std::fs::create_dir_all(&aws).unwrap();
    let keys =
        "aws_access_key_id = AKIAREALREALREAL\naws_secret_access_key = realsecret\naws_session_token = realtoken\n";
    std::fs::write(aws.join("credentials"), format!("[default]\n{keys}[prod]\n{keys}")).unwrap();
    let settings =
        format!("region = eu-central-1\nendpoint_url = {trap_url}\nmax_attempts = 9\nuse_fips_endpoint = true\n");
    std::fs::write(aws.join("config"), format!("[default]\n{settings}[profile prod]\n{settings}")).unwrap();

    let targets = ["--orm=aws-sdk", "--orm=dynamoose", "--orm=electrodb"];
    let mut command =
        place.command(&["bench", "--scale=200", "--op=GetItem", "--rounds=1", "--time=50ms", "--warm-up=100ms"]);
    command.args(targets).args(["--patience=10ms", "--endpoint", &format!("http://{proxy}"), "--out"]).arg(&place.out);
    command.env("HOME", place.folder().join("home"));
    for (name, value) in [
        ("AWS_PROFILE", "prod"),
        ("AWS_REGION", "us-west-2"),
        ("AWS_ACCESS_KEY_ID", "AKIAREALREALREAL"),
        ("AWS_SECRET_ACCESS_KEY", "realsecret"),
        ("AWS_SESSION_TOKEN", "realtoken"),
        ("AWS_ENDPOINT_URL", &trap_url),
        ("AWS_ENDPOINT_URL_DYNAMODB", &trap_url),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", &trap_url),
        ("AWS_CONFIG_FILE", aws.join("config").to_str().unwrap()),
        ("AWS_SHARED_CREDENTIALS_FILE", aws.join("credentials").to_str().unwrap()),
    ] {
        command.env(name, value);
    }
    run(command).expect(0);
    assert_eq!(place.results()["run"]["status"], "complete");
    assert_eq!(visits.load(Ordering::SeqCst), 0, "somebody went where the AWS settings point");
    let said = said.lock().unwrap();
    let said = String::from_utf8_lossy(&said);
    assert!(said.contains("DynamoDB_20120810.GetItem"), "nothing was heard");
    for secret in ["AKIAREAL", "realsecret", "realtoken", "eu-central-1", "us-west-2"] {
        assert!(!said.contains(secret), "{secret} was sent");
    }
    let credentials = said.matches("Credential=").count();
    let made_up = said.matches("Credential=benchmark/").count();
    assert!(made_up > 0 && credentials - made_up <= 2, "{made_up} of {credentials} requests have made-up credentials");
    assert_eq!(server.tables(), serde_json::json!([]), "the table was deleted");
    place.assert_nothing_left();
}

#[test]
fn another_machines_server_needs_an_explicit_flag() {
    let place = Place::new();
    for url in ["http://192.0.2.1:8000", "http://[2001:db8::1]:8000", "https://dynamodb.eu-central-1.amazonaws.com"] {
        let ended = run(place.command(&["bench", "--patience=10ms", "--endpoint", url])).expect(2);
        assert!(ended.error().contains("--endpoint"), "{}", ended.stderr);
    }
    let ended = run(place.command(&["bench", "--endpoint", "http://192.0.2.1:8000"])).expect(2);
    assert!(
        ended.stderr.contains("a table would be created and deleted; add --allow-remote-endpoint"),
        "{}",
        ended.stderr
    );
    place.assert_nothing_left();
}

/// Addresses at which somebody listens on a port.
fn listeners(port: u16) -> Vec<String> {
    let end = format!(":{port:04X}");
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|path| std::fs::read_to_string(path).unwrap_or_default());
    let lines = tables.iter().flat_map(|table| table.lines().skip(1));
    lines
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .filter(|fields| fields[3] == "0A" && fields[1].ends_with(&end))
        .map(|fields| fields[1].trim_end_matches(&end).to_owned())
        .collect()
}

fn listens_on_loopback_alone(backend: &str) {
    let place = Place::new();
    let mut running = Running::start(place.tiny(&["--orm=aws-sdk", "--rounds=50", backend]));
    running.wait_for("round 1 of 50");
    let address = crate::support::endpoint(&running.stderr());
    let at = listeners(address.port());
    // 127.0.0.1, in the machine's order; mapped into IPv6 by Java.
    let loopback = |at: &String| at == "0100007F" || at == "0000000000000000FFFF00000100007F";
    assert!(!at.is_empty() && at.iter().all(loopback), "{at:?}");
    running.interrupt(rustix::process::Signal::INT).0.expect(130);
    assert_eq!(listeners(address.port()), Vec::<String>::new(), "the port is still taken");
    place.assert_nothing_left();
}

#[test]
#[ignore = "takes long"]
fn the_java_server_listens_on_loopback_alone() {
    listens_on_loopback_alone("--backend=java");
}

#[test]
#[ignore = "takes long"]
fn the_container_listens_on_loopback_alone() {
    if has_docker() {
        listens_on_loopback_alone("--backend=docker");
    }
}
