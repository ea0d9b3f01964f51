//! The same answers in every dialect, and what is refused.

use proptest::prelude::*;

use super::*;

const HOST: &str = "6ff4b261-3e37-47f8-ace1-53556da6fcf2";
const VM: &str = "1d3a0000-0000-4000-8000-000000000001";

/// Two columns, three rows, in every dialect that hosts have spoken.
fn dialects() -> Vec<(&'static str, String)> {
    let legend = [format!("AVERAGE:host:{HOST}:cpu_avg"), format!("AVERAGE:vm:{VM}:memory")];
    let [cpu, memory] = &legend;
    vec![
        (
            "XML",
            format!(
                r#"<?xml version="1.0" encoding="UTF-8"?><xport><meta><start>1724320800</start><step>5</step><end>1724320810</end><rows>3</rows><columns>2</columns><legend><entry>{cpu}</entry><entry>{memory}</entry></legend></meta><data><row><t>1724320810</t><v>0.0312</v><v>2147483648</v></row><row><t>1724320805</t><v>0.25</v><v>2147483648</v></row><row><t>1724320800</t><v>NaN</v><v>NaN</v></row></data></xport>"#
            ),
        ),
        (
            "JSON with numbers as strings, XAPI 23.31 and later",
            format!(
                r#"{{"meta":{{"start":"1724320800","step":"5","end":"1724320810","rows":"3","columns":"2","legend":["{cpu}","{memory}"]}},"data":[{{"t":"1724320810","values":["0.0312","2147483648"]}},{{"t":"1724320805","values":["0.25","2147483648"]}},{{"t":"1724320800","values":["NaN","NaN"]}}]}}"#
            ),
        ),
        (
            "names without quotes, bare NaN, before 23.31",
            format!(
                r#"{{meta: {{start:1724320800,step:5,end:1724320810,rows:3,columns:2,legend:["{cpu}","{memory}"]}},data:[{{t:1724320810,values:[0.0312,2147483648.0000]}},{{t:1724320805,values:[0.2500,2147483648.0000]}},{{t:1724320800,values:[NaN,nan]}}]}}"#
            ),
        ),
        (
            "proper JSON with numbers, times as doubles, null, blanks, oldest first, members in another order",
            format!(
                "\u{feff} {{\n \"data\" : [\n {{ \"values\": [ null, \"-nan\" ], \"t\": 1.7243208E9 }},\n {{\"t\":1724320805.0, \"values\":[2.5e-1, 2147483648]}}, {{\"t\":1724320810, \"extra\":{{\"a\":[1,{{}}]}}, \"values\":[0.0312, 2147483648]}},], \"meta\": {{ \"legend\" : ['{cpu}', \"AVERAGE\\u003avm:{VM}:memory\"], \"end\":1724320810, \"step\": 5, \"start\":1724320800, \"host\": [\"x\", {{\"y\": 1}}] }} }}\n"
            ),
        ),
        (
            "XML with an empty value, a comment, character data and blanks",
            format!(
                "<?xml version=\"1.0\"?>\n<xport>\n<meta><start>1724320800</start><step>5</step><end>1724320810</end><legend><entry>{cpu}</entry><entry><![CDATA[{memory}]]></entry></legend></meta>\n<data>\n <row><t>1724320810</t><v>3.12e-02</v><v>2147483648.</v></row><!-- so --><row><t>1724320805</t><v> 0.25 </v><v>2.147483648E9</v></row><row><t>1724320800</t><v/><v>nan</v></row></data></xport>\n"
            ),
        ),
    ]
}

#[test]
fn updates_read_alike_in_every_dialect() {
    for (name, body) in dialects() {
        let updates = Updates::parse(body.as_bytes()).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!((updates.start, updates.step, updates.end), (1_724_320_800, 5, 1_724_320_810), "{name}");
        assert_eq!(updates.times, [1_724_320_800, 1_724_320_805, 1_724_320_810], "{name}");
        let column =
            |cf, owner, uuid: &str, source: &str| Column { cf, owner, uuid: uuid.into(), source: source.into() };
        let wanted = [column(Cf::Average, Owner::Host, HOST, "cpu_avg"), column(Cf::Average, Owner::Vm, VM, "memory")];
        assert_eq!(updates.columns, wanted, "{name}");
        let [cpu, memory]: [Vec<f64>; 2] = [0, 1].map(|column| updates.values(column).collect());
        assert!(cpu[0].is_nan() && memory[0].is_nan(), "{name}");
        assert_eq!(cpu[1..], [0.25, 0.0312], "{name}");
        assert_eq!(memory[1..], [2_147_483_648.0; 2], "{name}");
        assert_eq!(updates.values(2).count(), 0, "{name}");
    }
}

#[test]
fn one_series_and_none_at_all() {
    for body in [
        "{meta:{start:0,step:5,end:5,legend:'MAX:sr:u:a:b'},data:{t:5,values:1}}",
        "{meta:{start:0,step:5,end:5,legend:['MAX:sr:u:a:b']},data:[{t:5,values:['1']}]}",
        "<xport><meta><start>0</start><step>5</step><end>5</end><legend><entry>MAX:sr:u:a:b</entry></legend></meta><data><row><t>5</t><v>1</v></row></data></xport>",
    ] {
        let updates = Updates::parse(body.as_bytes()).unwrap_or_else(|error| panic!("{body}: {error}"));
        assert_eq!(updates.columns, ["MAX:sr:u:a:b".parse().expect("four parts")]);
        assert_eq!(&*updates.columns[0].source, "a:b");
        assert_eq!(updates.values(0).collect::<Vec<_>>(), [1.0]);
    }
    for body in [
        r#"{"meta":{"start":"10","step":"5","end":"5","rows":"0","columns":"0","legend":[]},"data":[]}"#,
        "<xport><meta><start>10</start><step>5</step><end>5</end><legend/></meta><data/></xport>",
    ] {
        let updates = Updates::parse(body.as_bytes()).unwrap_or_else(|error| panic!("{body}: {error}"));
        assert!(updates.columns.is_empty() && updates.times.is_empty(), "{body}");
    }
    let rows_without_columns = "{meta:{start:0,step:5,end:5,legend:[]},data:[{t:10,values:[]},{t:5,values:[]}]}";
    let updates = Updates::parse(rows_without_columns.as_bytes()).expect("odd, but not wrong");
    assert_eq!(updates.times, [5, 10]);
    let infinite =
        "{meta:{start:0,step:5,end:5,legend:['MAX:sr:u:s']},data:[{t:5,values:[-Infinity]},{t:0,values:[inf]}]}";
    let updates = Updates::parse(infinite.as_bytes()).expect("infinities");
    assert_eq!(updates.values(0).collect::<Vec<_>>(), [f64::INFINITY, f64::NEG_INFINITY]);
}

#[test]
fn names_come_through_whatever_is_in_them() {
    for (legend, name) in [
        (r#""MAX:sr:u:a'b""#, "a'b"),
        (r#""MAX:sr:u:a\\'b""#, r"a\'b"),
        (r#"'MAX:sr:u:a\'b\u00e9'"#, "a'bé"),
        (r#"'MAX:sr:u:a"b\u00e9'"#, "a\"bé"),
        (r#""MAX:sr:u:a\"b""#, "a\"b"),
    ] {
        let body = format!("{{meta:{{start:0,step:5,end:5,legend:[{legend}]}},data:[]}}");
        let updates = Updates::parse(body.as_bytes()).unwrap_or_else(|error| panic!("{body}: {error}"));
        assert_eq!(&*updates.columns[0].source, name, "{body}");
    }
}

/// Two sources, a ring of three rows of 5 s and one of two rows of 60 s, in every dialect.
fn archives() -> Vec<(&'static str, String)> {
    vec![
        (
            "XML",
            r#"<rrd><version>0003</version><step>5</step><lastupdate>1724320813</lastupdate><ds><name>cpu0</name><type>DERIVE</type><minimal_heartbeat>300</minimal_heartbeat><min>0.0</min><max>1</max><last_ds>12.5</last_ds><value>0.1</value><unknown_sec>0</unknown_sec></ds><ds><name>memory</name><type>GAUGE</type><minimal_heartbeat>300.0000</minimal_heartbeat><min>0.0</min><max>Infinity</max><last_ds>7</last_ds><value>0.0</value><unknown_sec>0</unknown_sec></ds><rra><cf>AVERAGE</cf><pdp_per_row>1</pdp_per_row><params><xff>0.5</xff></params><cdp_prep><ds><primary_value>0.0</primary_value><secondary_value>0.0</secondary_value><value>0.0</value><unknown_datapoints>0</unknown_datapoints></ds></cdp_prep><database><row><v>NaN</v><v>1</v></row><row><v>0.0312</v><v>2</v></row><row><v>0.5</v><v>3</v></row></database></rra><rra><cf>MAX</cf><pdp_per_row>12</pdp_per_row><params><xff>0.5</xff></params><cdp_prep/><database><row><v>1</v><v>8</v></row><row><v>2</v><v>9</v></row></database></rra></rrd>"#.to_owned(),
        ),
        (
            "JSON, all leaves strings",
            r#"{"version":"0003","step":"5","lastupdate":"1724320813","ds":[{"name":"cpu0","type":"DERIVE","minimal_heartbeat":"300.0000","min":"0.0","max":"1.0000","last_ds":"12.5","value":"0.1","unknown_sec":"0"},{"name":"memory","type":"GAUGE","minimal_hearbeat":"300","min":"0.0","max":"Infinity","last_ds":"7","value":"0.0","unknown_sec":"0"}],"rra":[{"cf":"AVERAGE","pdp_per_row":"1","params":{"xff":"0.5000"},"cdp_prep":{"ds":[{"primary_value":"0.0","secondary_value":"0.0","value":"0.0","unknown_datapoints":"0"}]},"database":[["NaN","1"],["0.0312","2"],["0.5","3"]]},{"cf":"MAX","pdp_per_row":"12","params":{"xff":"0.5"},"cdp_prep":{"ds":[]},"database":[["1","8"],["2","9"]]}]}"#.to_owned(),
        ),
        (
            "names without quotes, numbers bare, the rings before the sources",
            "{version:'0003',rra:[{cf:'AVERAGE',pdp_per_row:1,database:[[NaN,1.0000],[0.0312,2.0000],[0.5,3.0000]]},{cf:MAX,pdp_per_row:12,database:[[1,8],[2,9]]}],ds:[{name:'cpu0',type:'DERIVE',min:0.0000,max:1.0000},{name:memory,type:GAUGE,min:0,max:Infinity}],step:5,lastupdate:1724320813.7}".to_owned(),
        ),
    ]
}

#[test]
fn archives_read_alike_in_every_dialect() {
    for (name, body) in archives() {
        let archive = Archive::parse(body.as_bytes()).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!((archive.step, archive.last_update), (5, 1_724_320_813), "{name}");
        let source = |name: &str, kind: &str, max| Source { name: name.into(), kind: kind.into(), min: 0.0, max };
        assert_eq!(
            archive.sources,
            [source("cpu0", "DERIVE", 1.0), source("memory", "GAUGE", f64::INFINITY)],
            "{name}"
        );
        let (end, cpu) = archive.curve("cpu0", Cf::Average, 5).expect("a curve");
        assert_eq!(end, 1_724_320_810, "{name}");
        assert!(cpu[0].is_nan() && cpu[1..] == [0.0312, 0.5], "{name}");
        assert_eq!(archive.curve("memory", Cf::Max, 60), Some((1_724_320_800, vec![8.0, 9.0])), "{name}");
        assert_eq!(archive.curve("memory", Cf::Max, 5), None, "{name}");
        assert_eq!(archive.curve("disk", Cf::Average, 5), None, "{name}");
    }
}

#[test]
fn one_source_stands_without_brackets_too() {
    for database in ["[['1'],['2']]", "['1','2']", "[1,2]"] {
        let body =
            format!("{{step:5,lastupdate:10,ds:{{name:'a'}},rra:{{cf:AVERAGE,pdp_per_row:1,database:{database}}}}}");
        let archive = Archive::parse(body.as_bytes()).unwrap_or_else(|error| panic!("{body}: {error}"));
        assert_eq!(archive.curve("a", Cf::Average, 5), Some((10, vec![1.0, 2.0])), "{body}");
    }
}

#[test]
fn what_is_refused() {
    let meta = "start:0,step:5,end:5";
    let updates = [
        String::new(),
        " ".to_owned(),
        "null".to_owned(),
        "[]".to_owned(),
        "{}".to_owned(),
        "<html><body>401</body></html>".to_owned(),
        "<xport/>".to_owned(),
        "<xport><meta>".to_owned(),
        "<!DOCTYPE xport><xport/>".to_owned(),
        "<rrd/>".to_owned(),
        format!("{{meta:{{{meta},legend:['AVERAGE:host:u']}},data:[]}}"),
        format!("{{meta:{{{meta},legend:['AVERAGE:host::s']}},data:[]}}"),
        format!("{{meta:{{{meta},legend:['MEDIAN:host:u:s']}},data:[]}}"),
        format!("{{meta:{{{meta},legend:['AVERAGE:cat:u:s']}},data:[]}}"),
        format!("{{meta:{{{meta},legend:['AVERAGE:vm:u:s']}},data:[{{t:5,values:[1,2]}}]}}"),
        format!("{{meta:{{{meta},legend:['AVERAGE:vm:u:s']}},data:[{{t:5,values:[1]}},{{t:4,values:[]}}]}}"),
        format!("{{meta:{{{meta},legend:['AVERAGE:vm:u:s']}},data:[{{t:5}}]}}"),
        format!("{{meta:{{{meta},legend:['AVERAGE:vm:u:s']}},data:[{{values:[1]}}]}}"),
        format!("{{meta:{{{meta},legend:['AVERAGE:vm:u:s']}},data:[{{t:5,values:[one]}}]}}"),
        format!("{{meta:{{{meta},legend:['AVERAGE:vm:u:s']}},data:[{{t:5,values:[1]}},{{t:5,values:[1]}}]}}"),
        format!("{{meta:{{{meta},legend:[]}},data:[]}} x"),
        format!("{{meta:{{{meta},legend:[]}} data:[]}}"),
        format!("{{meta:{{{meta},legend:[]}},data:["),
        format!("{{meta:{{{meta},legend:['AVERAGE:vm:u:\\ud800']}},data:[]}}"),
        "{meta:{start:0,step:0,end:5,legend:[]},data:[]}".to_owned(),
        "{meta:{start:0,step:-5,end:5,legend:[]},data:[]}".to_owned(),
        "{meta:{start:0,step:1e18,end:5,legend:[]},data:[]}".to_owned(),
        "{meta:{start:0,step:NaN,end:5,legend:[]},data:[]}".to_owned(),
        "{meta:{start:1e300,step:5,end:5,legend:[]},data:[]}".to_owned(),
        "{meta:{start:0,end:5,legend:[]},data:[]}".to_owned(),
        "{meta:{step:5,legend:[]},data:[]}".to_owned(),
        format!("{{x:{}", "[".repeat(100_000)),
        format!("<xport>{}", "<a>".repeat(100_000)),
    ];
    for body in updates {
        assert!(Updates::parse(body.as_bytes()).is_err(), "{}", &body[..body.len().min(200)]);
    }
    for body in [
        "{}",
        "<rrd/>",
        "{step:5,lastupdate:1,ds:[{}],rra:[]}",
        "{step:5,lastupdate:1,ds:[],rra:[{cf:MAX}]}",
        "{step:5,lastupdate:1,ds:[],rra:[{pdp_per_row:1}]}",
        "{step:5,lastupdate:1,ds:[{name:a}],rra:[{cf:MAX,pdp_per_row:1,database:[[1,2]]}]}",
        "{step:5,lastupdate:1,ds:[{name:a}],rra:[{cf:MAX,pdp_per_row:99999999999,database:[]}]}",
        "{step:5,lastupdate:soon,ds:[],rra:[]}",
        "<rrd><step>5</step><lastupdate>1</lastupdate><rra><cf>MAX</cf><pdp_per_row>1</pdp_per_row><database><row><v>1</v></row></database></rra></rrd>",
    ] {
        assert!(Archive::parse(body.as_bytes()).is_err(), "{body}");
    }
    assert!(Updates::parse(b"{\xff}").is_err());
}

#[test]
fn errors_hold_no_piece_of_the_answer() {
    let error = Updates::parse(b"{meta:{start:secret}}").expect_err("no time");
    assert_eq!(error.to_string(), "malformed statistics: expected a time at byte 19");
}

proptest! {
    #[test]
    fn damaged_answers_never_panic(which in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), with in any::<u8>(), cut in any::<bool>()) {
        let bodies: Vec<String> = dialects().into_iter().chain(archives()).map(|(_, body)| body).collect();
        let mut body = bodies[which.index(bodies.len())].trim_end().as_bytes().to_vec();
        let at = at.index(body.len());
        if cut { body.truncate(at) } else { body[at] = with }
        let outcomes = (Updates::parse(&body).is_err(), Archive::parse(&body).is_err());
        prop_assert!(!cut || outcomes == (true, true));
    }
}
