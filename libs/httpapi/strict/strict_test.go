package strict_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/libs/httpapi/strict"
	"github.com/songan-vn/songan/libs/problem"
)

// level is a type that knows its own text, as those of libs/vn do.
type level struct{ name string }

func (l *level) UnmarshalText(b []byte) error {
	switch string(b) {
	case "ward", "province":
		l.name = string(b)
		return nil
	case "district":
		return problem.New(problem.Invalid, "district_abolished", "there are no districts any more", "không còn cấp huyện")
	}
	return fmt.Errorf("no level %s", b)
}

func (l level) MarshalText() ([]byte, error) { return []byte(l.name), nil }

// dong is a number that knows its own JSON.
type dong int64

func (d *dong) UnmarshalJSON(b []byte) error {
	if strings.ContainsAny(string(b), ".eE\"") {
		return errors.New("not whole: " + string(b))
	}
	_, err := fmt.Sscan(string(b), (*int64)(d))
	return err
}

func (d dong) MarshalJSON() ([]byte, error) { return fmt.Append(nil, int64(d)), nil }

type document struct {
	Type   string `json:"type" enum:"citizen_id,passport,none"`
	Number string `json:"number,omitzero" maxLength:"20"`
}

func (d document) Validate(f *problem.Faults) {
	if d.Type != "" && d.Type != "none" && d.Number == "" {
		f.At("/number", problem.Fault{Code: "document_number_missing"})
	}
}

type guest struct {
	FullName  string   `json:"full_name" maxLength:"20"`
	BirthDate string   `json:"birth_date" format:"partial-date"`
	Sex       string   `json:"sex" enum:"male,female"`
	Document  document `json:"document"`
	Phone     *string  `json:"phone,omitzero" pattern:"^\\+84[0-9]{9}$" patternDescription:"+84 and nine digits"`
}

type marks struct {
	Carer  bool `json:"carer,omitzero"`
	Level  level
	Amount dong `json:"amount,omitzero"`
}

type stay struct {
	Guest     guest             `json:"guest"`
	ArrivedAt time.Time         `json:"arrived_at"`
	Departure string            `json:"expected_departure,omitzero" format:"date"`
	Note      string            `json:"note,omitzero" minLength:"3"`
	Nights    int8              `json:"nights,omitzero" minimum:"0"`
	Seq       uint16            `json:"seq,omitzero"`
	Carer     bool              `json:"carer,omitzero"`
	Level     *level            `json:"level,omitzero"`
	Amount    dong              `json:"amount,omitzero"`
	Tags      []string          `json:"tags,omitzero" maxItems:"3"`
	Facts     map[string]string `json:"facts,omitzero"`
	Party     []guest           `json:"party,omitzero"`
}

func (s stay) Validate(f *problem.Faults) {
	if !s.ArrivedAt.IsZero() && s.Departure != "" && s.Departure < s.ArrivedAt.Format(time.DateOnly) {
		f.At("/expected_departure", problem.Fault{Code: "departure_before_arrival"})
	}
}

const good = `{"guest":{"full_name":"Nguyễn Văn An","birth_date":"1990-01-15","sex":"male",
 "document":{"type":"citizen_id","number":"001090123456"},"phone":null},
 "arrived_at":"2026-11-21T14:05:00+07:00","expected_departure":"2026-11-23","nights":2,"tags":["a"],"facts":{"k":"v"},
 "level":"ward","amount":-500,"seq":65535,"note":"abc","carer":true}`

func TestADocumentIsReadCompletely(t *testing.T) {
	t.Parallel()
	got, err := strict.For[stay]().Read([]byte(good))
	if err != nil {
		t.Fatal(err, faults(err))
	}
	want := stay{
		Guest: guest{
			FullName: "Nguyễn Văn An", BirthDate: "1990-01-15", Sex: "male",
			Document: document{Type: "citizen_id", Number: "001090123456"},
		},
		ArrivedAt: time.Date(2026, 11, 21, 14, 5, 0, 0, time.FixedZone("", 7*3600)),
		Departure: "2026-11-23", Nights: 2, Tags: []string{"a"}, Facts: map[string]string{"k": "v"},
		Level: &level{"ward"}, Amount: -500, Seq: 65535, Note: "abc", Carer: true,
	}
	if d := cmp.Diff(want, got, cmp.AllowUnexported(level{})); d != "" {
		t.Error(d)
	}
}

// with returns the good document with one text in it replaced.
func with(old, replacement string) string {
	if !strings.Contains(good, old) {
		panic(old)
	}
	return strings.Replace(good, old, replacement, 1)
}

func faults(err error) []string {
	p, ok := problem.Of(err)
	if !ok {
		return []string{fmt.Sprint(err)}
	}
	said := make([]string, 0, len(p.Faults))
	for _, f := range p.Faults {
		said = append(said, strings.TrimSpace(f.Pointer+" "+f.Code))
	}
	return said
}

func TestEveryKindOfBadBodyIsSaidByPlaceAndCode(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", 40) + strings.Repeat("]", 40)
	tests := []struct {
		name, body string
		kind       problem.Kind
		want       []string
	}{
		{"no body", "", problem.Malformed, []string{"body_missing"}},
		{"white space", " \r\n\t ", problem.Malformed, []string{"body_missing"}},
		{"cut off", good[:100], problem.Malformed, []string{"malformed_json"}},
		{"a comma too many", with(`"nights":2,`, `"nights":2,,`), problem.Malformed, []string{"malformed_json"}},
		{"a value missing", with(`"nights":2`, `"nights":`), problem.Malformed, []string{"malformed_json"}},
		{"single quotes", `{'guest':1}`, problem.Malformed, []string{"malformed_json"}},
		{"two documents", good + good, problem.Malformed, []string{"trailing_data"}},
		{"words after the end", good + " and more", problem.Malformed, []string{"trailing_data"}},
		{"UTF-16", "\xff\xfe{\x00}\x00", problem.Malformed, []string{"not_utf8"}},
		{"a byte order mark", "\xef\xbb\xbf" + good, problem.Malformed, []string{"not_utf8"}},
		{"a NUL that is not escaped", with("An", "A\x00n"), problem.Malformed, []string{"malformed_json"}},
		{"a fault before the break", with(`"sex":"male"`, `"sex":"x"`)[:200], problem.Malformed, []string{"/guest/sex not_allowed", "malformed_json"}},

		{"not an object", `[1]`, problem.Invalid, []string{"wrong_type"}},
		{"null", `null`, problem.Invalid, []string{"required"}},
		{"empty", `{}`, problem.Invalid, []string{"/guest required", "/arrived_at required"}},
		{"null for required", with(`"sex":"male"`, `"sex":null`), problem.Invalid, []string{"/guest/sex required"}},
		{"blank for required", with("Nguyễn Văn An", "  "), problem.Invalid, []string{"/guest/full_name blank"}},
		{"an unknown field", with(`"nights"`, `"night"`), problem.Invalid, []string{"/night unknown_field"}},
		{"an unknown field whose name may be anything", with(`"nights"`, `"Nguyễn Văn An 001090123456"`), problem.Invalid, []string{"unknown_field"}},
		{"another case", with(`"nights"`, `"Nights"`), problem.Invalid, []string{"/Nights unknown_field"}},
		{"a field twice", with(`"sex":"male"`, `"sex":"male","sex":"female"`), problem.Invalid, []string{"/guest/sex duplicate_key"}},
		{"a field twice, once escaped", with(`"sex":"male"`, `"sex":"male","s\u0065x":"female"`), problem.Invalid, []string{"/guest/sex duplicate_key"}},
		{"a key of a map twice", with(`{"k":"v"}`, `{"k":"v","k":"w"}`), problem.Invalid, []string{"/facts/k duplicate_key"}},
		{"a number for a text", with(`"male"`, `1`), problem.Invalid, []string{"/guest/sex wrong_type"}},
		{"a text for a number", with(`"nights":2`, `"nights":"2"`), problem.Invalid, []string{"/nights wrong_type"}},
		{"a fraction", with(`"nights":2`, `"nights":2.0`), problem.Invalid, []string{"/nights wrong_type"}},
		{"an exponent", with(`"nights":2`, `"nights":2e0`), problem.Invalid, []string{"/nights wrong_type"}},
		{"more than the type holds", with(`"nights":2`, `"nights":128`), problem.Invalid, []string{"/nights out_of_range"}},
		{"less than allowed", with(`"nights":2`, `"nights":-1`), problem.Invalid, []string{"/nights out_of_range"}},
		{"more than any type holds", with(`"nights":2`, `"nights":99999999999999999999`), problem.Invalid, []string{"/nights out_of_range"}},
		{"a negative number without sign", with(`"seq":65535`, `"seq":-1`), problem.Invalid, []string{"/seq out_of_range"}},
		{"an object for a list", with(`["a"]`, `{}`), problem.Invalid, []string{"/tags wrong_type"}},
		{"null in a list", with(`["a"]`, `["a",null]`), problem.Invalid, []string{"/tags/1 required"}},
		{"a list too long", with(`["a"]`, `["a","b","c","d"]`), problem.Invalid, []string{"/tags wrong_count"}},
		{"a text for a bool", with(`"carer":true`, `"carer":"true"`), problem.Invalid, []string{"/carer wrong_type"}},
		{"an escaped NUL", with("Văn", `V\u0000n`), problem.Invalid, []string{"/guest/full_name nul_character"}},
		{"a NUL in a map", with(`{"k":"v"}`, `{"k":"\u0000"}`), problem.Invalid, []string{"/facts/k nul_character"}},
		{"Latin-1", with("Nguyễn Văn An", "Nguy\xean V\xe3n"), problem.Invalid, []string{"/guest/full_name invalid_utf8"}},
		{"half a surrogate pair", with("Văn", `\ud800`), problem.Invalid, []string{"/guest/full_name invalid_utf8"}},
		{"too deep below a text", with(`"male"`, deep), problem.Invalid, []string{"/guest/sex wrong_type", "/guest/sex too_deep"}},
		{"too deep in an unknown field", with(`"nights":2`, `"x":`+deep), problem.Invalid, []string{"/x unknown_field", "/x too_deep"}},
		{"a value that is not listed", with(`"male"`, `"nam"`), problem.Invalid, []string{"/guest/sex not_allowed"}},
		{"too long", with("Nguyễn Văn An", strings.Repeat("ễ", 21)), problem.Invalid, []string{"/guest/full_name too_long"}},
		{"too short", with(`"note":"abc"`, `"note":"ễễ"`), problem.Invalid, []string{"/note too_short"}},
		{"half a surrogate pair in a JSON of ours", with("-500", `"\ud800"`), problem.Invalid, []string{"/amount invalid_utf8"}},
		{"a NUL in a JSON of ours", with("-500", `"\u0000"`), problem.Invalid, []string{"/amount nul_character"}},
		{"a key of a map with a NUL", with(`{"k":"v"}`, `{"\u0000":"v"}`), problem.Invalid, []string{"/facts nul_character"}},
		{"another pattern", with(`"phone":null`, `"phone":"0912345678"`), problem.Invalid, []string{"/guest/phone wrong_format"}},
		{"an impossible day", with("2026-11-23", "2026-02-30"), problem.Invalid, []string{"/expected_departure impossible_date"}},
		{"the 13th month", with("1990-01-15", "1990-13"), problem.Invalid, []string{"/guest/birth_date impossible_date"}},
		{"a day in another form", with("2026-11-23", "23/11/2026"), problem.Invalid, []string{"/expected_departure invalid_date"}},
		{"a year of typing", with("1990-01-15", "0090-01-15"), problem.Invalid, []string{"/guest/birth_date date_out_of_range"}},
		{"a time without offset", with("14:05:00+07:00", "14:05:00"), problem.Invalid, []string{"/arrived_at invalid_date_time"}},
		{"an offset of a day", with("+07:00", "+24:00"), problem.Invalid, []string{"/arrived_at invalid_date_time"}},
		{"an offset that no place has", with("+07:00", "-14:01"), problem.Invalid, []string{"/arrived_at invalid_date_time"}},
		{"an offset of 60 minutes", with("+07:00", "+07:60"), problem.Invalid, []string{"/arrived_at invalid_date_time"}},
		{"an offset without its colon", with("+07:00", "+0700"), problem.Invalid, []string{"/arrived_at invalid_date_time"}},
		{"an hour of one digit", with("14:05:00+07:00", "2:00:00Z"), problem.Invalid, []string{"/arrived_at invalid_date_time"}},
		{"a comma in a time", with("14:05:00+07:00", "20:00:00,5Z"), problem.Invalid, []string{"/arrived_at invalid_date_time"}},
		{"a point without a fraction", with("14:05:00+07:00", "20:00:00.Z"), problem.Invalid, []string{"/arrived_at invalid_date_time"}},
		{"the 25th hour", with("14:05:00+07:00", "24:00:00Z"), problem.Invalid, []string{"/arrived_at invalid_date_time"}},
		{"a time on an impossible day", with("2026-11-21T", "2026-11-31T"), problem.Invalid, []string{"/arrived_at impossible_date"}},
		{"a time in the year 1", with("2026-11-21T14:05:00+07:00", "0001-01-01T00:00:00Z"), problem.Invalid, []string{"/arrived_at date_out_of_range"}},
		{"what a type of ours explains", with(`"ward"`, `"district"`), problem.Invalid, []string{"/level district_abolished"}},
		{"what a type of ours refuses", with(`"ward"`, `"hamlet"`), problem.Invalid, []string{"/level invalid_value"}},
		{"a JSON of ours that is refused", with("-500", "1.5"), problem.Invalid, []string{"/amount invalid_value"}},
		{"an object for a JSON of ours", with("-500", "{}"), problem.Invalid, []string{"/amount invalid_value"}},
		{"a rule of a type within", with(`"001090123456"`, `null`), problem.Invalid, []string{"/guest/document/number document_number_missing"}},
		{"a rule across two fields", with("2026-11-23", "2026-11-20"), problem.Invalid, []string{"/expected_departure departure_before_arrival"}},
	}
	reader := strict.For[stay]()
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := reader.Read([]byte(test.body))
			p, ok := problem.Of(err)
			if !ok {
				t.Fatalf("read: %v, %v", got, err)
			}
			if d := cmp.Diff(test.want, faults(err)); d != "" {
				t.Error(d)
			}
			if p.Kind != test.kind {
				t.Errorf("kind %v, want %v", p.Kind, test.kind)
			}
			for _, f := range p.Faults {
				if strings.Contains(f.Code, "_") && !strings.Contains(f.Code, "document") && !strings.Contains(f.Code, "departure") && (f.Message == "" || f.MessageVI == "") {
					t.Errorf("%s has no texts: %+v", f.Code, f)
				}
			}
			if d := cmp.Diff(stay{}, got, cmp.AllowUnexported(level{})); d != "" {
				t.Errorf("something was read: %s", d)
			}
		})
	}
}

func TestAllFaultsOfFormAndRulesAreSaidAtOnce(t *testing.T) {
	t.Parallel()
	body := `{"guest":{"full_name":"","birth_date":"1990-02-30","sex":"x","document":{"type":"passport"},"phnoe":"1"},
	 "arrived_at":"2026-11-21T14:05:00+07:00","expected_departure":"2026-11-20","nights":"two",
	 "party":[{"full_name":"B","birth_date":"2000","sex":"female","document":{"type":"none"}},{"sex":7}]}`
	_, err := strict.For[stay]().Read([]byte(body))
	want := []string{
		"/guest/full_name blank", "/guest/birth_date impossible_date", "/guest/sex not_allowed",
		"/guest/document/number document_number_missing", "/guest/phnoe unknown_field",
		"/nights wrong_type",
		"/party/1/sex wrong_type", "/party/1/full_name required", "/party/1/birth_date required", "/party/1/document required",
		"/expected_departure departure_before_arrival",
	}
	if d := cmp.Diff(want, faults(err)); d != "" {
		t.Error(d)
	}
}

func TestARuleIsNotAppliedToAPlaceThatIsAtFaultAlready(t *testing.T) {
	t.Parallel()
	_, err := strict.For[stay]().Read([]byte(with(`"number":"001090123456"`, `"number":7`)))
	if d := cmp.Diff([]string{"/guest/document/number wrong_type"}, faults(err)); d != "" {
		t.Error(d)
	}
}

func TestAMisspeltFieldIsAnsweredWithTheOneThatWasMeant(t *testing.T) {
	t.Parallel()
	for wrong, want := range map[string]string{
		"fullName": "full_name", "ful_name": "full_name", "birthdate": "birth_date", "SEX": "sex", "xyzzy": "", "d": "",
	} {
		_, err := strict.For[guest]().Read([]byte(`{"` + wrong + `":1}`))
		p, _ := problem.Of(err)
		hint := ""
		if want != "" {
			hint = "did you mean " + want + "?"
		}
		if p.Faults[0].Hint != hint {
			t.Errorf("%s: %q", wrong, p.Faults[0].Hint)
		}
	}
}

func TestABreakIsSaidByLineAndColumn(t *testing.T) {
	t.Parallel()
	_, err := strict.For[stay]().Read([]byte("{\n \"guest\": {\n  \"full_name\": \"Nguyễn\" oops"))
	p, _ := problem.Of(err)
	if want := "this is not JSON from line 3, column 25 on"; p.Faults[0].Message != want {
		t.Errorf("%q, want %q", p.Faults[0].Message, want)
	}
}

func TestTheNumberOfFaultsIsLimited(t *testing.T) {
	t.Parallel()
	_, err := strict.For[stay]().Read([]byte(with(`["a"]`, "["+strings.Repeat("1,", 5000)+"1]")))
	if n := len(faults(err)); n > 101 {
		t.Errorf("%d faults", n)
	}
	_, err = strict.For[struct {
		L []string `json:"l"`
	}]().Read([]byte(`{"l":[` + strings.Repeat("1,", 5000) + `1]}`))
	all := faults(err)
	if n := len(all); n != 101 || all[100] != "too_many_faults" {
		t.Errorf("%d faults, the last is %s", n, all[n-1])
	}
}

func TestNoFaultRepeatsAValue(t *testing.T) {
	t.Parallel()
	const secret = "Trần Thị Bí Mật 079301000001"
	reader := strict.For[stay]()
	for i := range len(good) {
		// The secret takes the place of each text in turn, and is cut into each place of the document.
		for _, body := range []string{good[:i] + `"` + secret + `"` + good[i:], good[:i] + secret + good[i:], good[:i] + `{"` + secret + `":"` + secret + `"}` + good[i:]} {
			_, err := reader.Read([]byte(body))
			p, ok := problem.Of(err)
			if !ok {
				continue // it stands within a text and is a good one
			}
			if all := fmt.Sprintf("%+v", *p); strings.Contains(all, "Trần") || strings.Contains(all, "0793") {
				t.Fatalf("at %d: %s", i, all)
			}
		}
	}
}

func TestAReferenceIsReadBesideTheItemEvenIfTheItemIsBad(t *testing.T) {
	t.Parallel()
	reader := strict.For[stay]().WithRef("client_ref")
	for _, test := range []struct{ body, ref, fault string }{
		{with(`"nights":2`, `"client_ref":"row-17"`), "row-17", ""},
		{`{"client_ref":"row-18"}`, "row-18", "/guest required"},
		{`{"client_ref":"Nguyễn Văn An"}`, "", "/client_ref invalid_reference"},
		{`{"client_ref":7}`, "", "/client_ref wrong_type"},
		{`{"client_ref":null}`, "", "/guest required"},
	} {
		_, ref, err := reader.ReadItem([]byte(test.body))
		if ref != test.ref || test.fault == "" && err != nil || test.fault != "" && faults(err)[0] != test.fault {
			t.Errorf("%s: %q, %v", test.body, ref, faults(err))
		}
	}
	if _, err := strict.For[stay]().Read([]byte(with(`"nights":2`, `"client_ref":"row-17"`))); err == nil {
		t.Error("a reference outside of a batch")
	}
}

func TestElementsTakesAnArrayApart(t *testing.T) {
	t.Parallel()
	got, err := strict.Elements([]byte(" [ {\"a\": 1} , 2,\n\"x\" ] "), 3)
	if err != nil {
		t.Fatal(err)
	}
	var parts []string
	for _, v := range got {
		parts = append(parts, string(v))
	}
	if d := cmp.Diff([]string{`{"a": 1}`, "2", `"x"`}, parts); d != "" {
		t.Error(d)
	}
	for body, want := range map[string]string{
		"[1,2,3,4]": "batch_too_large", "{}": "invalid_body", "[1,": "malformed_body", "[] []": "malformed_body", "": "malformed_body",
	} {
		if _, err := strict.Elements([]byte(body), 3); problem.CodeOf(err) != want {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestATypeThatCannotBeReadStrictlyIsRefusedAtStart(t *testing.T) {
	t.Parallel()
	for name, compile := range map[string]func(){
		"a float": func() {
			strict.For[struct {
				F float64 `json:"f"`
			}]()
		},
		"an interface": func() {
			strict.For[struct {
				F any `json:"f"`
			}]()
		},
		"a pointer that is required": func() {
			strict.For[struct {
				F *string `json:"f"`
			}]()
		},
		"bytes": func() {
			strict.For[struct {
				F []byte `json:"f"`
			}]()
		},
		"a field without a name": func() { strict.For[marks]() },
		"numbers as names": func() {
			strict.For[struct {
				F map[int]string `json:"f"`
			}]()
		},
		"the same name twice": func() {
			strict.ForQuery[struct {
				paging
				Most int `query:"limit"`
			}]()
		},
		"a name that needs escaping": func() {
			strict.For[struct {
				F string `json:"a/b"`
			}]()
		},
		"a limit that is no number": func() {
			strict.For[struct {
				F string `json:"f" maxLength:"long"`
			}]()
		},
		"an object in a query": func() {
			strict.ForQuery[struct {
				F document `query:"f"`
			}]()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			defer func() {
				if recover() == nil {
					t.Error("accepted")
				}
			}()
			compile()
		})
	}
}

func TestATypeMayContainItself(t *testing.T) {
	t.Parallel()
	type tree struct {
		Name     string `json:"name"`
		Children []tree `json:"children,omitzero"`
	}
	body := strings.Repeat(`{"name":"a","children":[`, 15) + strings.Repeat("]}", 15)
	if _, err := strict.For[tree]().Read([]byte(body)); err != nil {
		t.Error(faults(err))
	}
	body = strings.Repeat(`{"name":"a","children":[`, 20) + strings.Repeat("]}", 20)
	_, err := strict.For[tree]().Read([]byte(body))
	if all := faults(err); len(all) != 1 || !strings.HasSuffix(all[0], "too_deep") {
		t.Error(all)
	}
}

func BenchmarkRead(b *testing.B) {
	r := strict.For[stay]()
	data := []byte(good)
	b.ReportAllocs()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := r.Read(data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMeaning(b *testing.B) {
	r := strict.For[stay]()
	v, err := r.Read([]byte(good))
	if err != nil {
		b.Fatal(err)
	}
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		dst = r.AppendMeaning(dst[:0], &v)
	}
}

func TestInstantsOfRFC3339AreRead(t *testing.T) {
	t.Parallel()
	reader := strict.For[struct {
		At time.Time `json:"at"`
	}]()
	for _, at := range []string{
		"2026-11-21T14:05:00+07:00", "2026-11-21T14:05:00Z", "2026-11-21T14:05:00.5Z", "2026-11-21T14:05:00.123456789-14:00",
		"2026-11-21T14:05:00+14:00", "2026-11-21T14:05:00-00:00",
	} {
		v, err := reader.Read([]byte(`{"at":"` + at + `"}`))
		if want, _ := time.Parse(time.RFC3339, at); err != nil || !v.At.Equal(want) {
			t.Errorf("%s: %v, %v", at, v.At, err)
		}
	}
}
