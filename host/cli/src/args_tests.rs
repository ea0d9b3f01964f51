//! Command lines as people type them, and those of Xen Orchestra's command line.

use clap::error::ErrorKind;

use super::*;

fn parse(line: &str) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(modern(line.split_whitespace().map(OsString::from)))
}

fn client(line: &str) -> Client {
    match parse(line).unwrap().command {
        Command::Client(client) => client,
        other => panic!("{line} is {other:?}"),
    }
}

#[test]
fn the_definition_is_sound() {
    use clap::CommandFactory;
    Cli::command().debug_assert();
    Call::command().debug_assert();
}

#[test]
fn register_takes_what_it_took() {
    for line in [
        "xylem register --allowUnauthorized --expiresIn 1h --otp 123456 https://h user pass",
        "xylem register --au --otp 123456 --expiresIn 1h https://h user pass",
        "xylem --register --allow-unauthorized --expires-in 1h --otp 123456 https://h user pass",
        "xylem register https://h user pass --allowUnauthorized --expiresIn=1h --otp=123456",
    ] {
        let Client::Register(args) = client(line) else { panic!("{line}") };
        assert!(args.allow_unauthorized, "{line}");
        assert_eq!((args.expires_in.as_deref(), args.otp.as_deref()), (Some("1h"), Some("123456")), "{line}");
        assert_eq!((args.server.as_str(), args.user.as_deref()), ("https://h", Some("user")), "{line}");
        assert_eq!(args.password.as_deref(), Some("pass"), "{line}");
    }
    let Client::Register(args) = client("xylem register --token abc https://h") else { panic!() };
    assert_eq!((args.token.as_deref(), args.server.as_str(), args.user), (Some("abc"), "https://h", None));
    let Client::Register(args) = client("xylem register --token -abc https://h") else { panic!() };
    assert_eq!(args.token.as_deref(), Some("-abc"), "tokens may begin with anything");
    for bad in ["xylem register", "xylem register --token abc https://h user", "xylem register --fly https://h"] {
        assert!(parse(bad).is_err(), "{bad}");
    }
    assert!(matches!(client("xylem --create-token https://h user"), Client::CreateToken(_)));
    assert!(matches!(client("xylem --unregister"), Client::Unregister(Unregister { server: None, revoke: false })));
}

#[test]
fn any_other_word_is_a_method() {
    for (line, url) in [
        ("xylem vm.start id=1 --json force=true", None),
        ("xylem --url https://t@h/ vm.start --json id=1 force=true", Some("https://t@h/")),
    ] {
        let cli = parse(line).unwrap();
        assert_eq!(cli.url.as_deref(), url);
        let Command::Call(args) = cli.command else { panic!("{line}") };
        let call = Call::try_parse_from(args).unwrap();
        assert_eq!((call.method.as_str(), call.json, call.help), ("vm.start", true, false));
        assert_eq!(call.params, ["id=1", "force=true"]);
    }
    let Command::Call(args) = parse("xylem vm.start --help").unwrap().command else { panic!() };
    assert!(Call::try_parse_from(args).unwrap().help);
    let Command::Call(args) = parse("xylem vm.set id=1 --url https://h memory=json:-1").unwrap().command else {
        panic!()
    };
    let call = Call::try_parse_from(args).unwrap();
    assert_eq!((call.url.as_deref(), call.params.len()), (Some("https://h"), 2));
    assert!(Call::try_parse_from(["vm.start", "--fly"]).is_err());
}

#[test]
fn lists() {
    for line in ["xylem list-commands --json {user,group}.* vm.*", "xylem --list-commands {user,group}.* vm.* --json"] {
        let Client::ListCommands(args) = client(line) else { panic!("{line}") };
        assert!(args.json);
        assert_eq!(args.patterns, ["{user,group}.*", "vm.*"]);
    }
    for line in ["xylem list-objects --id type=VM --name_label", "xylem --list-objects --id type=VM --name_label"] {
        let Client::ListObjects(args) = client(line) else { panic!("{line}") };
        assert_eq!(args.args, ["--id", "type=VM", "--name_label"], "{line}");
    }
    let Client::ListObjects(args) = client("xylem --url https://h --list-objects type=VM --url") else { panic!() };
    assert_eq!(args.args, ["type=VM", "--url"], "a property may be called as an option of ours");
}

#[test]
fn rest_verbs() {
    let Client::Rest(rest) = client("xylem rest get vms fields=id limit=3 --output out/") else { panic!() };
    let RestVerb::Get(request) = rest.verb else { panic!() };
    assert_eq!((request.path.as_str(), request.output.as_deref()), ("vms", Some("out/")));
    assert_eq!(request.params, ["fields=id", "limit=3"]);
    let Client::Rest(rest) = client("xylem --rest post vms/1/actions/start wait=result --json") else { panic!() };
    let RestVerb::Post(request) = rest.verb else { panic!() };
    assert!(request.json && request.params == ["wait=result"]);
    for verb in ["put", "patch", "del", "delete"] {
        assert!(matches!(client(&format!("xylem rest {verb} vms/1")), Client::Rest(_)));
    }
    assert!(parse("xylem rest fly vms").is_err());
}

#[test]
fn the_daemons_own_words_stay() {
    assert!(matches!(parse("xylem serve --listen 127.0.0.1:0").unwrap().command, Command::Serve(_)));
    assert!(matches!(parse("xylem plugin-compile").unwrap().command, Command::PluginCompile));
    let Command::Restore(args) = parse("xylem restore b.xylem --state /s --replace").unwrap().command else { panic!() };
    assert!(args.replace && args.state.state == Some("/s".into()));
    assert!(matches!(parse("xylem completions bash").unwrap().command, Command::Completions { .. }));
    assert_eq!(parse("xylem").unwrap_err().kind(), ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand);
    assert_eq!(parse("xylem --version").unwrap_err().kind(), ErrorKind::DisplayVersion);
}
