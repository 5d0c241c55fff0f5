package rotatelog_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/football"
)

func TestHeaderIdentity(t *testing.T) {
	const long = `,"RAW_API_DATA":{"text":"FETCH_HEADER"}}`
	for _, tt := range []struct{ fetch, want string }{
		{`{"FETCH_HEADER":{"random_fetch_id":"aBc123"},"RAW_API_DATA":{}}`, `"aBc123"`},
		{`{"FETCH_HEADER":{"random_fetch_id":"aBc123"}` + long, `"aBc123"`},
		{` { "FETCH_HEADER" : { "fetch_number":1, "random_fetch_id" : "aBc123" } }`, `"aBc123"`},
		{`{"RAW_API_DATA":{},"FETCH_HEADER":{"random_fetch_id":"aBc123"}}`, `"aBc123"`},
		{`{"FETCH_HEADER":{"random_fetch_id":"\u0061Bc123"}}`, `"aBc123"`},
		{`{"FETCH_HEADER":{"random_fetch_id":"7"}}`, `"7"`},
		{`{"FETCH_HEADER":{"random_fetch_id":7}}`, `7`},
		{`{"FETCH_HEADER":{"random_fetch_id":-7.0}}`, `-7.0`},
		{`{"FETCH_HEADER":{"random_fetch_id":"a\"\n"}}`, `"a\"\n"`},
		{`{"FETCH_HEADER":{"random_fetch_id":"\ud800"}}`, `"\ud800"`},
		{`{"FETCH_HEADER":{"random_fetch_id":"\ud801"}}`, `"\ud801"`},
		{`{"FETCH_HEADER":{"random_fetch_id":"\ufffd"}}`, "\"\uFFFD\""},
		{`{"FETCH_HEADER":{"random_fetch_id":null}}`, ``},
		{`{"FETCH_HEADER":{"random_fetch_id":""}}`, ``},
		{`{"FETCH_HEADER":{}}`, ``},
		{`{"FETCH_HEADER":null}`, ``},
		{`{}`, ``},
		// The last of several counts, as everywhere.
		{`{"FETCH_HEADER":{"random_fetch_id":"a"},"FETCH_HEADER":{"random_fetch_id":"b"}}`, `"b"`},
		{`{"FETCH_HEADER":{"random_fetch_id":"a"},"FETCH\u005fHEADER":{"random_fetch_id":"b"}}`, `"b"`},
		{`{"FETCH_HEADER":{"random_fetch_id":"a","random_fetch_id":"b"}}`, `"b"`},
	} {
		got, err := rotatelog.HeaderIdentity([]byte(tt.fetch))
		if err != nil || got != tt.want {
			t.Errorf("%s: %q, %v; want %q", tt.fetch, got, err, tt.want)
		}
	}
	for _, fetch := range []string{
		`{"FETCH_HEADER":{"random_fetch_id":{}}}`,
		`{"FETCH_HEADER":{"random_fetch_id":true}}`,
		`{"FETCH_HEADER":{"random_fetch_id":[1]}}`,
		`{"FETCH_HEADER":5}`,
		`{"FETCH_HEADER":"5"` + long,
	} {
		if got, err := rotatelog.HeaderIdentity([]byte(fetch)); err == nil || got != "" {
			t.Errorf("%s: %q, %v; want an error", fetch, got, err)
		}
	}
}

func TestContentIdentity(t *testing.T) {
	identity := func(fetch string) string {
		id, err := rotatelog.ContentIdentity([]byte(fetch))
		if err != nil || len(id) != 64 {
			t.Fatalf("%s: %q, %v", fetch, id, err)
		}
		return id
	}
	same := []string{`{"a":[1,"x y"],"b":"\""}`, " {\"a\": [1,\r\n\t\"x y\" ] , \"b\":\"\\\"\" }\n", "\uFEFF{\"a\":[1,\"x y\"],\"b\":\"\\\"\"}"}
	for _, fetch := range same[1:] {
		if identity(fetch) != identity(same[0]) {
			t.Errorf("%q is not taken for %q", fetch, same[0])
		}
	}
	seen := map[string]string{}
	for _, fetch := range []string{same[0], `{"a":[1,"xy"],"b":"\""}`, `{"a":[1.0,"x y"],"b":"\""}`, `{"b":"\"","a":[1,"x y"]}`,
		`{"a":[1,"x y"],"b":"\u0022"}`, `{"a":"\ud800"}`, `{"a":"\ud801"}`} {
		if other, ok := seen[identity(fetch)]; ok {
			t.Errorf("%s is taken for %s", fetch, other)
		}
		seen[identity(fetch)] = fetch
	}
}

// What is compact and what is indented is the same at every size, around that of the
// buffer too.
func TestContentIdentityOfLongFetches(t *testing.T) {
	for _, size := range []int{4090, 4096, 4100, 9000, 300_000} {
		fetch := football.New(1, size).Next()
		var indented, compact bytes.Buffer
		if err := json.Indent(&indented, fetch, "", " \t"); err != nil {
			t.Fatal(err)
		}
		if err := json.Compact(&compact, fetch); err != nil {
			t.Fatal(err)
		}
		a, _ := rotatelog.ContentIdentity(indented.Bytes())
		b, _ := rotatelog.ContentIdentity(compact.Bytes())
		if a != b {
			t.Errorf("%d bytes: indented it is another fetch", size)
		}
		long := fmt.Sprintf(`{"a":"%s", "b":"%s"}`, strings.Repeat(" x", size), strings.Repeat("y ", size))
		short := fmt.Sprintf(`{"a":"%s","b":"%s"}`, strings.Repeat(" x", size), strings.Repeat("y ", size))
		a, _ = rotatelog.ContentIdentity([]byte(long))
		b, _ = rotatelog.ContentIdentity([]byte(short))
		if a != b {
			t.Errorf("%d bytes of text: with a space it is another fetch", size)
		}
	}
}

func FuzzContentIdentity(f *testing.F) {
	f.Add([]byte(`{"a": [1, "x\\\" y" ] }`))
	f.Add([]byte(`{"a":"\\"}`))
	f.Fuzz(func(t *testing.T, fetch []byte) {
		var compact, indented bytes.Buffer
		if json.Compact(&compact, fetch) != nil || json.Indent(&indented, fetch, "", "\t") != nil {
			return
		}
		a, _ := rotatelog.ContentIdentity(fetch)
		b, _ := rotatelog.ContentIdentity(compact.Bytes())
		c, _ := rotatelog.ContentIdentity(indented.Bytes())
		if a != b || a != c {
			t.Errorf("%q has the identities %s, compact %s, indented %s", fetch, a, b, c)
		}
	})
}
