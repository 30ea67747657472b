//! A conversation in bytes, and what must be made of it however it arrives.

use common::profile::Table;
use modbus_core::rtu::crc16;
use proptest::prelude::*;

use super::*;

fn framed(body: &[u8]) -> Vec<u8> {
    let mut frame = body.to_vec();
    frame.extend(crc16(body).to_be_bytes());
    frame
}

fn request(unit: u8, function: u8, address: u16, count: u16) -> Vec<u8> {
    let ([a, b], [c, d]) = (address.to_be_bytes(), count.to_be_bytes());
    framed(&[unit, function, a, b, c, d])
}

fn reply(unit: u8, function: u8, words: &[u16]) -> Vec<u8> {
    let mut body = vec![unit, function, u8::try_from(2 * words.len()).unwrap()];
    body.extend(words.iter().flat_map(|word| word.to_be_bytes()));
    framed(&body)
}

fn input(address: u16, count: u16) -> Request {
    let table = Table::Input;
    Request {
        table,
        address,
        count,
    }
}

/// What came of the stream, in a form that is short to write down: `unit:address=words`.
fn told(heard: &[Heard]) -> Vec<String> {
    let told = heard.iter().map(|heard| {
        let asked = match heard.asked {
            Asked::Registers(request) => format!("{}+{}", request.address, request.count),
            Asked::Function(function) => format!("f{function}"),
        };
        let reply = match &heard.reply {
            Reply::Awaited => "?".to_owned(),
            Reply::Words(words) => format!("={words:?}"),
            Reply::Exception(code) => format!("!{code}"),
            Reply::InDoubt => "~".to_owned(),
            Reply::Missing => "-".to_owned(),
        };
        format!("{}:{asked}{reply}", heard.unit)
    });
    told.filter(|told| !told.ends_with("+?")).collect()
}

/// What is paired: the requests themselves left out.
fn ended(heard: &[Heard]) -> Vec<String> {
    let ended = heard.iter().filter(|heard| heard.reply != Reply::Awaited);
    told(&ended.cloned().collect::<Vec<_>>())
}

fn hear(bytes: &[u8]) -> Vec<Heard> {
    Overhearer::default().hear(Instant::now(), bytes)
}

/// Bytes from words: `3?72+2` asks unit 3 for two input registers from 72, `3=1,2` replies,
/// `3!2` refuses, `3w` writes, `#00ff` is noise; `4>` and `8<` keep the rest behind so many
/// bytes, and the first so many.
fn bytes_of(word: &str) -> Vec<u8> {
    let number = |text: &str| text.parse::<u16>().unwrap();
    let unit = |text: &str| text.parse::<u8>().unwrap();
    if let Some((skipped, word)) = word.split_once('>') {
        return bytes_of(word)[usize::from(number(skipped))..].to_vec();
    }
    if let Some((kept, word)) = word.split_once('<') {
        return bytes_of(word)[..usize::from(number(kept))].to_vec();
    }
    if let Some(noise) = word.strip_prefix('#') {
        let digits = noise.as_bytes().chunks(2);
        let text = digits.map(|pair| std::str::from_utf8(pair).unwrap());
        return text
            .map(|text| u8::from_str_radix(text, 16).unwrap())
            .collect();
    }
    if let Some((asked, range)) = word.split_once('?') {
        let (address, count) = range.split_once('+').unwrap();
        return request(unit(asked), 4, number(address), number(count));
    }
    if let Some((from, words)) = word.split_once('=') {
        let words: Vec<u16> = words.split(',').map(number).collect();
        return reply(unit(from), 4, &words);
    }
    match word.split_once('!') {
        Some((from, code)) => framed(&[unit(from), 0x84, unit(code)]),
        None => request(unit(word.trim_end_matches('w')), 6, 1, 5),
    }
}

/// What a line carries, and what is paired of it.
const CONVERSATIONS: [(&str, &str, &str); 15] = [
    ("as it should be", "3?72+2 3=1,2", "3:72+2=[1, 2]"),
    (
        "from the middle of a frame",
        "4>3=1,2 3?72+2 3=1,2",
        "3:72+2=[1, 2]",
    ),
    (
        "a reply without its request",
        "3=1,2 4?72+2 4=7,8",
        "4:72+2=[7, 8]",
    ),
    (
        "a speck of noise",
        "#00 3?72+2 #00ff 3=1,2",
        "3:72+2=[1, 2]",
    ),
    ("more than a speck", "3?72+2 #00000000 3=1,2", "3:72+2-"),
    ("a refusal", "3?72+2 3!2", "3:72+2!2"),
    (
        "asked twice",
        "3?72+2 3?72+2 3=1,2",
        "3:72+2- 3:72+2=[1, 2]",
    ),
    (
        "late, when another unit is asked",
        "3?72+2 4?72+2 3=9,9 4=7,8",
        "3:72+2- 4:72+2=[7, 8]",
    ),
    (
        "late, when the same length is asked",
        "3?72+2 3?80+2 3=9,9",
        "3:72+2- 3:80+2~",
    ),
    (
        "late, when another length is asked",
        "3?72+2 3?80+1 3=9,9 3=5",
        "3:72+2- 3:80+1=[5]",
    ),
    (
        "one behind",
        "3?72+2 3?80+2 3=9,9 3?90+2 3=9,9",
        "3:72+2- 3:80+2~ 3:90+2~",
    ),
    (
        "in step again",
        "3?72+2 3?0+1 3=4 3?80+2 3=1,2",
        "3:72+2- 3:0+1=[4] 3:80+2=[1, 2]",
    ),
    (
        "a damaged reply, a damaged request",
        "3?72+2 8<3=1,2 1>3?80+2 3=9,9",
        "3:72+2-",
    ),
    ("a request between", "3?72+2 3w 3w 3=9,9", "3:72+2-"),
    ("a broadcast", "0w 4?72+2 4=7,8", "4:72+2=[7, 8]"),
];

#[test]
fn each_request_is_paired_with_what_belongs_to_it_beyond_doubt() {
    for (what, words, expected) in CONVERSATIONS {
        let bytes: Vec<u8> = words.split(' ').flat_map(bytes_of).collect();
        assert_eq!(ended(&hear(&bytes)).join(" "), expected, "{what}");
    }
}

#[test]
fn other_functions_are_noticed_and_their_echoes_are_not_counted() {
    let coils = [request(2, 1, 0, 16), framed(&[2, 1, 2, 0xff, 0])].concat();
    let write = [request(2, 6, 1, 5), request(2, 6, 1, 5)].concat();
    let many = framed(&[2, 16, 0, 1, 0, 2, 4, 0, 1, 0, 2]);
    let many = [many, request(2, 16, 1, 2)].concat();
    let identify = [framed(&[2, 0x11]), framed(&[2, 0x11, 2, 1, 0xff])].concat();
    let heard = hear(&[coils, write, many, identify].concat());
    assert_eq!(told(&heard), ["2:f1?", "2:f6?", "2:f16?"]);
}

#[test]
fn a_reply_that_could_be_the_request_again_waits_for_its_eighth_byte() {
    // 0x0200 as an address looks like the byte count of one register.
    let ask = request(3, 3, 0x0200, 1);
    let twice = [ask.clone(), ask.clone(), reply(3, 3, &[5])].concat();
    assert_eq!(ended(&hear(&twice)), ["3:512+1-", "3:512+1=[5]"]);
    // And 0x0400 that of two.
    let ask = request(3, 3, 0x0400, 2);
    let twice = [ask.clone(), ask, reply(3, 3, &[5, 6])].concat();
    assert_eq!(ended(&hear(&twice)), ["3:1024+2-", "3:1024+2=[5, 6]"]);
    // A register and the zero byte that a line without bias adds look like a request.
    let noisy = (0..=u16::MAX).map(|word| reply(3, 3, &[word]));
    for answer in noisy {
        let line = [request(3, 3, 7, 1), answer.clone(), vec![0]].concat();
        assert_eq!(ended(&hear(&line)).len(), 1, "{answer:?}");
        assert!(
            matches!(hear(&line)[1].reply, Reply::Words(_)),
            "{answer:?}"
        );
    }
}

#[test]
fn time_settles_what_bytes_do_not() {
    let start = Instant::now();
    let after = |ms: u64| start + Duration::from_millis(ms);
    let mut line = Overhearer::default();
    let ask = request(3, 4, 72, 2);
    line.hear(start, &ask);
    // A header that fits, and then nothing: the next request is not held back by it.
    assert!(ended(&line.hear(after(50), &[3, 4, 4, 0])).is_empty());
    let next = line.hear(after(2_000), &request(4, 4, 0, 1));
    assert_eq!(ended(&next), ["3:72+2-"]);
    assert!(matches!(next[1].asked, Asked::Registers(request) if request == input(0, 1)));
    assert!(!line.is_settled());
    assert_eq!(ended(&line.settle(after(13_000))), ["4:0+1-"]);
    assert!(line.is_settled());
    // Left alone for so long, a unit is in step again.
    line.hear(after(20_000), &request(3, 4, 80, 2));
    let words = line.hear(after(20_100), &reply(3, 4, &[1, 2]));
    assert_eq!(ended(&words), ["3:80+2=[1, 2]"]);
    assert_eq!(words[0].at, after(20_100));
}

#[test]
fn a_master_that_never_pauses_is_believed_again_after_a_while() {
    let start = Instant::now();
    let mut line = Overhearer::default();
    line.hear(start, &request(3, 4, 72, 2));
    let mut doubted = 0;
    for second in 1..120 {
        let at = start + Duration::from_secs(second);
        let address = if second % 2 == 0 { 72 } else { 80 };
        line.hear(at, &request(3, 4, address, 2));
        let heard = line.hear(at, &reply(3, 4, &[1, 2]));
        doubted += usize::from(heard[0].reply == Reply::InDoubt);
    }
    assert!((55..=65).contains(&doubted), "{doubted}");
}

/// One exchange of a generated conversation.
#[derive(Debug, Clone)]
struct Exchange {
    unit: u8,
    function: u8,
    address: u16,
    words: Vec<u16>,
    answers: bool,
}

impl Exchange {
    fn bytes(&self) -> Vec<u8> {
        let count = u16::try_from(self.words.len()).unwrap();
        let mut bytes = request(self.unit, self.function, self.address, count);
        if self.answers {
            bytes.extend(reply(self.unit, self.function, &self.words));
        }
        bytes
    }
}

prop_compose! {
    fn exchange()(
        unit in 1_u8..6,
        function in 3_u8..=4,
        address in 0_u16..2_000,
        words in prop::collection::vec(any::<u16>(), 1..20),
        answers in prop::bool::weighted(0.9),
    ) -> Exchange {
        // Every word shows its place, so that a mix-up shows.
        let place = |(at, word): (usize, u16)| {
            let at = u16::try_from(at).unwrap();
            u16::from(unit) << 12 ^ (address + at) ^ (word & 0x0f00)
        };
        let words = words.into_iter().enumerate().map(place).collect();
        Exchange { unit, function, address, words, answers }
    }
}

/// Whether words were paired with a request that no exchange of the conversation has.
fn is_paired_wrongly(heard: &[Heard], conversation: &[Exchange]) -> bool {
    heard.iter().any(|heard| match (&heard.reply, heard.asked) {
        (Reply::Words(words), Asked::Registers(request)) => !conversation.iter().any(|known| {
            known.answers
                && known.unit == heard.unit
                && known.function == request.table.function()
                && known.address == request.address
                && known.words == *words
        }),
        _ => false,
    })
}

proptest! {
    #[test]
    fn the_pieces_in_which_it_arrives_change_nothing(
        conversation in prop::collection::vec(exchange(), 1..30),
        cuts in prop::collection::vec(1_usize..40, 0..80),
        start in 0_usize..20,
    ) {
        let bytes: Vec<u8> = conversation.iter().flat_map(Exchange::bytes).collect();
        let bytes = &bytes[start.min(bytes.len())..];
        let whole = hear(bytes);
        let at = Instant::now();
        let (mut line, mut pieces, mut rest) = (Overhearer::default(), Vec::new(), bytes);
        for cut in cuts.into_iter().cycle().take(bytes.len()) {
            let (piece, behind) = rest.split_at(cut.min(rest.len()));
            pieces.extend(line.hear(at, piece));
            rest = behind;
        }
        pieces.extend(line.hear(at, rest));
        prop_assert_eq!(told(&pieces), told(&whole));
        prop_assert!(!is_paired_wrongly(&whole, &conversation));
    }

    #[test]
    fn random_bytes_are_nothing_and_are_not_kept(
        pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..20),
    ) {
        let (mut line, at) = (Overhearer::default(), Instant::now());
        for piece in pieces {
            let heard = line.hear(at, &piece);
            prop_assert!(heard.iter().all(|heard| !matches!(heard.reply, Reply::Words(_))));
            prop_assert!(line.bytes.len() < 300, "{}", line.bytes.len());
            prop_assert!(line.arrivals.len() <= line.bytes.len());
        }
    }

    #[test]
    fn noise_costs_its_neighbours_and_nothing_else(
        conversation in prop::collection::vec(exchange(), 3..20),
        noise in prop::collection::vec(any::<u8>(), 1..40),
        place in any::<prop::sample::Index>(),
        lost in 0_usize..12,
    ) {
        let mut conversation = conversation;
        for exchange in &mut conversation {
            exchange.answers = true;
        }
        let all: Vec<Vec<u8>> = conversation.iter().map(Exchange::bytes).collect();
        let mut bytes = all.concat();
        let at = place.index(bytes.len());
        bytes.splice(at..(at + lost).min(bytes.len()), noise);
        // The end of the line falls silent, so that nothing is waited for.
        let (mut line, start) = (Overhearer::default(), Instant::now());
        let mut heard = line.hear(start, &bytes);
        heard.extend(line.settle(start + Duration::from_secs(2)));
        prop_assert!(!is_paired_wrongly(&heard, &conversation), "{:?}", told(&heard));
        let replied = heard.iter().filter(|heard| matches!(heard.reply, Reply::Words(_)));
        let doubted = heard.iter().filter(|heard| heard.reply == Reply::InDoubt);
        // The exchange it fell into; the one that the lost bytes reach into.
        prop_assert!(
            replied.count() + doubted.count() + 2 >= conversation.len(), "{:?}", told(&heard)
        );
    }
}
