package daytext

import (
	"bytes"
	"crypto/sha256"
	"strings"
	"testing"
)

var testHead = Head{Sequence: 17, Timestamp: "07/10/2025 03:45:22 PM EDT", Matches: 451, Fetches: 10, ID: "K7YQ2V5XJ4WNB3TZDUOAFGHIEM", SHA256: strings.Repeat("0a", 32)}

func TestHeadIsParsedAsItIsWritten(t *testing.T) {
	odd := testHead
	odd.Timestamp, odd.SHA256, odd.ID = "a \"quoted\" \\ time", "", ""
	for _, h := range []Head{testHead, odd, {}} {
		line := bytes.TrimSuffix(h.Append(nil), []byte("\n"))
		if got, err := ParseHead(line); err != nil || got != h {
			t.Errorf("%s\nis %+v, %v", line, got, err)
		}
		if !IsHead(line) {
			t.Errorf("%s is no head", line)
		}
	}
}

// TestOnlyTheLineOfAHeadIsOne: what differs from how a Writer writes it, though it means
// the same, is refused.
func TestOnlyTheLineOfAHeadIsOne(t *testing.T) {
	line := string(bytes.TrimSuffix(testHead.Append(nil), []byte("\n")))
	for _, bad := range []string{
		"", "{", line[:len(line)-1], line + " ", " " + line,
		strings.Replace(line, ":17,", ":017,", 1),
		strings.Replace(line, ":17,", ":-17,", 1),
		strings.Replace(line, ":17,", ": 17,", 1),
		strings.Replace(line, "PM", "\\u0050M", 1),
		strings.Replace(line, `"upload_sha256"`, `"upload_sha257"`, 1),
		strings.Replace(line, `"upload_id"`, `"upload_timestamp"`, 1),
		strings.Replace(line, ":451,", ":99999999999999999999,", 1),
	} {
		if h, err := ParseHead([]byte(bad)); err == nil {
			t.Errorf("%s\nis %+v", bad, h)
		}
	}
}

func TestMetadataIsParsedAsItIsWritten(t *testing.T) {
	m := Metadata{"2025-07-10", 2, 902, "07/10/2025 12:00:00 AM EDT", "07/10/2025 12:10:00 AM EDT", 20}
	if got, err := ParseMetadata(m.Append(nil)); err != nil || got != m {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := ParseMetadata(append(m.Append(nil), ' ')); err == nil {
		t.Error("with a space more it is taken, too")
	}
}

// TestEndOfAFetch: a fetch may itself end like an upload.
func TestEndOfAFetch(t *testing.T) {
	for _, test := range []struct {
		line  string
		last  bool
		fetch string
		end   Ending
	}{
		{`{"a":1},`, false, `{"a":1}`, NextFetch},
		{`{"a":[{}]},`, false, `{"a":[{}]}`, NextFetch},
		{`{"a":[{}]}]},`, true, `{"a":[{}]}`, NextUpload},
		{`{"a":[{}]}]}`, true, `{"a":[{}]}`, LastUpload},
		{`{"a":1}`, false, `{"a":1}`, Broken},
		{`{"a":1},`, true, `{"a":1},`, Broken},
		{``, true, ``, Broken},
	} {
		if fetch, end := CutFetch([]byte(test.line), test.last); string(fetch) != test.fetch || end != test.end {
			t.Errorf("%s, last %v: %s, %v", test.line, test.last, fetch, end)
		}
	}
}

// TestChecksumCoversTheHead: each of its fields but the sequence.
func TestChecksumCoversTheHead(t *testing.T) {
	sum := func(h Head) string {
		text := sha256.New()
		text.Write([]byte(`{"a":1}`))
		return h.Checksum(text)
	}
	want := sum(testHead)
	for name, change := range map[string]func(*Head){
		"timestamp": func(h *Head) { h.Timestamp += "x" },
		"matches":   func(h *Head) { h.Matches++ },
		"fetches":   func(h *Head) { h.Fetches++ },
		"id":        func(h *Head) { h.ID += "x" },
	} {
		h := testHead
		change(&h)
		if sum(h) == want {
			t.Errorf("it does not cover the %s", name)
		}
	}
	other := testHead
	other.Sequence++
	if sum(other) != want {
		t.Error("it covers the sequence")
	}
}
