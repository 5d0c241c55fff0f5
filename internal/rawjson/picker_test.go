package rawjson_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"

	"example.com/rotatelog/internal/rawjson"
)

func TestPick(t *testing.T) {
	p := rawjson.NewPicker([]string{"a", "list"}, []string{"a"}, []string{"a", "b"}, []string{"h", "n"}, []string{"a", "list"}, []string{"none"})
	for _, test := range []struct{ text, want string }{
		{`{}`, "false |||||"},
		{`{"a":{"b":1,"list":[1,{"x":[]},"s"]},"h":{"n":"7"}}`, `true 1 {"x":[]} "s"|{"b":1,"list":[1,{"x":[]},"s"]}|1|"7"|[1,{"x":[]},"s"]|`},
		{" { \"a\" : { \"b\" : [ 1 ] , \"list\" : [ 1 , 2 ] } } ", `true 1 2|{ "b" : [ 1 ] , "list" : [ 1 , 2 ] }|[ 1 ]||[ 1 , 2 ]|`},
		{`{"a":{"list":[]}}`, `true |{"list":[]}|||[]|`},
		{`{"a":{"list":{"b":1}}}`, `false |{"list":{"b":1}}|||{"b":1}|`},
		{`{"a":[1],"h":{"n":null}}`, `false |[1]||null||`},
		{`{"\u0061":{"\u006cist":[3]}}`, `true 3|{"\u006cist":[3]}|||[3]|`},
		{`{"a":{"b":1,"list":[1]},"a":{"list":[2]}}`, `true 2|{"list":[2]}|||[2]|`},
		{`{"a":{"b":1,"list":[1]},"a":4}`, `false |4||||`},
	} {
		if err := p.Pick([]byte(test.text)); err != nil {
			t.Errorf("%s: %v", test.text, err)
			continue
		}
		elements, ok := p.Elements()
		got := fmt.Sprintf("%v %s", ok, bytes.Join(elements, []byte(" ")))
		for i := range 5 {
			got += "|" + string(p.Value(i))
		}
		if got != test.want {
			t.Errorf("%s: it picks %s, want %s", test.text, got, test.want)
		}
	}
}

func TestPickRefuses(t *testing.T) {
	p := rawjson.NewPicker([]string{"a"}, []string{"b"})
	for _, text := range []string{"", "7", "[]", `{"a":[1}`, `{"a":[1,]}`, `{"a":[`, `{"b":}`, `{"b":1`, `{} {}`, `{"a":[1],,}`, `{"a" 1}`} {
		if err := p.Pick([]byte(text)); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

// What is picked is what encoding/json finds.
func FuzzPick(f *testing.F) {
	f.Add([]byte(`{"a":{"list":[1,{},[2],"x"]},"h":{"n":7}}`))
	f.Add([]byte(`{"a":{"list":[]},"a":{"list":[null]}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		p := rawjson.NewPicker([]string{"a", "list"}, []string{"h", "n"})
		var want map[string]json.RawMessage
		if err := p.Pick(text); err != nil || !json.Valid(text) {
			if err == nil && rawjson.InvalidUTF8(text) < 0 {
				t.Errorf("%q is taken", text)
			}
			return
		}
		if err := json.Unmarshal(text, &want); err != nil {
			t.Fatal(err)
		}
		var header map[string]json.RawMessage
		json.Unmarshal(want["h"], &header)
		if got := p.Value(0); string(bytes.Trim(got, rawjson.Space)) != string(bytes.Trim(header["n"], rawjson.Space)) {
			t.Errorf("%q: %q, want %q", text, got, header["n"])
		}
		var a map[string]json.RawMessage
		var list []json.RawMessage
		json.Unmarshal(want["a"], &a)
		isArray := json.Unmarshal(a["list"], &list) == nil && a["list"] != nil && string(a["list"]) != "null"
		elements, ok := p.Elements()
		if ok != isArray || len(elements) != len(list) {
			t.Errorf("%q: %q %v, want %q", text, elements, ok, list)
		}
	})
}
