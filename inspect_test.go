package rotatelog

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"example.com/rotatelog/internal/crashfs"
)

// someEntries returns entries with these upload_sequences, of one fetch each.
func someEntries(sequences ...int) []entry {
	var entries []entry
	for _, n := range sequences {
		entries = append(entries, entry{
			upload:   upload{ID: fmt.Sprintf("UPLOAD%04d", n), Timestamp: "07/10/2025 12:01:00 AM EDT", Matches: int64(n), Fetches: 1},
			sequence: n, written: int64(n), stated: 1, counted: int64(n), text: digest{byte(n), byte(n >> 8), 1},
		})
	}
	return entries
}

// someConfirmed returns what uploaded/ holds of them.
func someConfirmed(sequences ...int) []confirmed {
	var all []confirmed
	for _, e := range someEntries(sequences...) {
		all = append(all, confirmed{batch{id: e.ID, sequence: e.sequence, order: e.sequence}, e})
	}
	return all
}

func upTo(from, to int) (all []int) {
	for n := from; n <= to; n++ {
		all = append(all, n)
	}
	return all
}

func TestLossOf(t *testing.T) {
	seen := lastSeen{Uploads: 22, Fetches: 22, Last: 22, First: "07/10/2025 12:01:00 AM EDT"}
	for name, test := range map[string]struct {
		kept kept
		have []entry
		want string // "" if nothing is lost
	}{
		"nothing":          {kept{seen: seen, uploaded: someConfirmed(upTo(13, 22)...)}, someEntries(upTo(1, 22)...), ""},
		"more than before": {kept{seen: seen, uploaded: someConfirmed(upTo(13, 22)...)}, someEntries(upTo(1, 30)...), ""},
		"the object, with a body": {kept{seen: seen, body: someEntries(upTo(1, 22)...), uploaded: someConfirmed(upTo(13, 22)...)}, nil,
			"uploads 1 to 22 that the object held are gone: somebody removed or replaced it; uploads 1 to 22 are put back from the last body in the spool."},
		"the object, with uploaded": {kept{seen: seen, uploaded: someConfirmed(upTo(13, 22)...)}, nil,
			"uploads 1 to 22 that the object held are gone: somebody removed or replaced it; uploads 13 to 22 are uploaded again from uploaded/; uploads 1 to 12 (12 fetches) are nowhere on this machine"},
		"the object, with an older body": {kept{seen: seen, body: someEntries(upTo(1, 4)...), uploaded: someConfirmed(upTo(13, 22)...)}, nil,
			"uploads 1 to 4 are put back from the last body in the spool; uploads 13 to 22 are uploaded again from uploaded/; uploads 5 to 12 (8 fetches) are nowhere"},
		"the end": {kept{seen: seen, uploaded: someConfirmed(20, 21, 22)}, someEntries(upTo(1, 18)...),
			"uploads 19 to 22 that the object held are gone: somebody removed or replaced it; uploads 20 to 22 are uploaded again from uploaded/; upload 19 (1 fetch) is nowhere"},
		"some in the middle": {kept{seen: seen, body: someEntries(upTo(1, 22)...)}, someEntries(slices.Concat(upTo(1, 4), []int{6, 7}, upTo(10, 22))...),
			"uploads 5, 8 and 9 that the object held are gone: somebody removed or replaced it; uploads 5, 8 and 9 are put back"},
		"all, for another's": {kept{seen: seen, uploaded: someConfirmed(22)}, []entry{{upload: upload{ID: "OTHER001", Timestamp: "07/10/2025 09:00:00 AM EDT", Fetches: 3}, sequence: 1}},
			"upload 22 is uploaded again from uploaded/; uploads 1 to 21 (21 fetches) are nowhere"},
		"what is not remembered": {kept{uploaded: someConfirmed(3, 4)}, nil,
			"uploads 3 and 4 are uploaded again from uploaded/; uploads 1 and 2 are nowhere"},
		"a sequence that is absurd": {kept{seen: lastSeen{Uploads: 2, Last: 1 << 30}, uploaded: someConfirmed(2)}, nil, "upload 2 is uploaded again"},
	} {
		t.Run(name, func(t *testing.T) {
			l := lossOf(test.kept, test.have)
			if test.want == "" && !l.isNone() || test.want != "" && !strings.Contains(l.sentence(), test.want) {
				t.Errorf("%+v\n%s\nwant %s", l, l.sentence(), test.want)
			}
		})
	}
}

func TestDifferences(t *testing.T) {
	seen := lastSeen{Uploads: 9, Fetches: 9, Matches: 45, Last: 9, First: "07/10/2025 12:01:00 AM EDT"}
	uploaded := someConfirmed(8, 9)
	for name, test := range map[string]struct {
		kept      kept
		exclusive bool
		change    func(c *census)
		want      string // joined by "; "
	}{
		"nothing":               {kept{seen: seen, uploaded: uploaded}, true, func(*census) {}, ""},
		"nothing is remembered": {kept{}, true, func(*census) {}, ""},
		"matches_in_upload": {kept{seen: seen, uploaded: uploaded}, true, func(c *census) { c.entries[6].Matches = 1007 },
			"upload 7: matches_in_upload is 1007, its fetches count 7"},
		"matches_in_upload, shared": {kept{seen: seen, uploaded: uploaded}, false, func(c *census) { c.entries[1].Matches = 1002 },
			"upload 2: matches_in_upload is 1002, its fetches count 2"},
		"two that cancel out": {kept{seen: seen, uploaded: uploaded}, true, func(c *census) { c.entries[1].Matches, c.entries[2].Matches = 1, 4 },
			"upload 2: matches_in_upload is 1, its fetches count 2; upload 3: matches_in_upload is 4, its fetches count 3"},
		"another rule counts": {kept{seen: seen, uploaded: uploaded}, true, func(c *census) {
			for i := range c.entries {
				c.entries[i].counted = 0
			}
		}, ""},
		"another rule counts, and the sum has changed": {kept{seen: seen, uploaded: uploaded}, true, func(c *census) {
			for i := range c.entries {
				c.entries[i].counted = 0
			}
			c.entries[3].Matches = 14
		}, "uploads 1 to 9 have 55 matches, and had 45"},
		"another rule counts, and the body is kept": {kept{seen: seen, body: someEntries(upTo(1, 9)...)}, true, func(c *census) {
			for i := range c.entries {
				c.entries[i].counted = 0
			}
			c.entries[3].Matches = 14
		}, "upload 4: matches_in_upload is 14, its fetches count 4"},
		"fetches_in_upload": {kept{seen: seen, uploaded: uploaded}, true, func(c *census) { c.entries[2].stated = 11 },
			"upload 3: fetches_in_upload is 11, it holds 1"},
		"a fetch is gone": {kept{seen: seen, uploaded: uploaded}, true, func(c *census) { c.entries[7].Fetches, c.entries[7].stated = 0, 0 },
			"upload 8: it holds 0 fetches, and held 1; uploads 1 to 9 hold 8 fetches, and held 9"},
		"the text of a fetch": {kept{seen: seen, uploaded: uploaded}, true, func(c *census) { c.entries[8].text = digest{99} },
			"upload 9: the text of its fetches has changed"},
		"an id": {kept{seen: seen, uploaded: uploaded}, true, func(c *census) { c.entries[8].ID = "UPLOAD9999" },
			`upload 9: its upload_id is "UPLOAD9999", and was "UPLOAD0009"`},
		"a timestamp": {kept{seen: seen, uploaded: uploaded}, true, func(c *census) { c.entries[8].Timestamp = "07/10/2025 12:02:00 AM EDT" },
			`upload 9: its upload_timestamp is "07/10/2025 12:02:00 AM EDT", and was "07/10/2025 12:01:00 AM EDT"`},
		"a sequence": {kept{seen: seen, uploaded: uploaded}, true, func(c *census) { c.entries[3].written = 1 },
			"upload 4: its upload_sequence is 1"},
		"a stranger's upload": {kept{seen: seen, uploaded: uploaded}, true, func(c *census) { c.entries = append(c.entries, someEntries(10)...) },
			"upload 10: this Writer did not upload it"},
		"an upload after an older memory": {kept{seen: lastSeen{Uploads: 2, Fetches: 2, Matches: 3, Last: 2, First: seen.First}, uploaded: uploaded}, true, func(*census) {}, ""},
		"another host's upload":           {kept{seen: seen, uploaded: uploaded}, false, func(c *census) { c.entries = append(c.entries, someEntries(10)...) }, ""},
		"a total": {kept{seen: seen, uploaded: uploaded}, true, func(c *census) { c.totals["total_matches_today"] = 46 },
			"daily_metadata: total_matches_today is 46, the uploads add up to 45"},
	} {
		t.Run(name, func(t *testing.T) {
			c := census{entries: someEntries(upTo(1, 9)...), totals: map[string]int64{"total_uploads": 9, "total_fetches_today": 9, "total_matches_today": 45}}
			test.change(&c)
			if test.want != "" && !strings.HasPrefix(test.want, "daily_metadata") || strings.Contains(name, "'s upload") {
				c.totals = nil
			}
			mine := map[string]bool{"UPLOAD0008": true, "UPLOAD0009": true}
			if got := strings.Join(differences(test.kept, c, test.exclusive, mine), "; "); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

// TestRenumberedRestoreDoesNotProveAbsence: a day that somebody restored under other upload_sequences,
// and to which other hosts have added since, does not prove that a batch is absent.
func TestRenumberedRestoreDoesNotProveAbsence(t *testing.T) {
	d := newDocument(dayKey{day: testDay})
	for _, n := range slices.Concat(upTo(22, 41), upTo(100, 125)) { // the first 21 are gone
		d.add(int64(d.lastSequence)+1, upload{ID: fmt.Sprintf("UPLOAD%04d", n), Timestamp: fmt.Sprintf("07/10/2025 12:%02d:00 AM EDT", n%60), Fetches: 10})
	}
	last := lastSeen{Uploads: 41, Fetches: 410, Last: 41, First: "07/10/2025 12:01:00 AM EDT"}
	if last.mayBecome(d, false, nil, batch{id: "UPLOAD0030", order: 30, sequence: 30}) {
		t.Error("its metadata is believed")
	}
	last.First = d.first
	if last.mayBecome(d, false, nil, batch{id: "UPLOAD0120", order: 120, sequence: 120}) {
		t.Error("its metadata is believed, though the last confirmed upload has another sequence")
	}
}

// bodyOf returns an object of a day with these uploads.
func bodyOf(t *testing.T, o dayKey, sequences ...int) []byte {
	t.Helper()
	var uploads []upload
	for _, n := range sequences {
		u := upload{ID: fmt.Sprintf("UPLOAD%04d", n), Timestamp: "07/10/2025 12:01:00 AM EDT", Matches: int64(n), Fetches: 1, Data: fmt.Appendf(nil, `{"n":%d}`, n)}
		text := sha256.New()
		text.Write(u.Data)
		u.SHA256 = u.checksum(text)
		if err := u.pack(o.pack); err != nil {
			t.Fatal(err)
		}
		uploads = append(uploads, u)
	}
	parts, _ := newDocument(o).append(uploads...)
	var body []byte
	for _, p := range parts {
		body = append(body, p.Data...)
	}
	return body
}

// TestEntriesOf: the entries of an object make the same object again.
func TestEntriesOf(t *testing.T) {
	for _, pack := range []Compression{Uncompressed, Zstd, Gzip} {
		o := dayKey{testDay, pack}
		body := bodyOf(t, o, 1, 2, 3)
		entries, err := entriesOf(o, body)
		if err != nil {
			t.Fatal(err)
		}
		var uploads []upload
		for _, e := range entries {
			uploads = append(uploads, e.again())
		}
		var again []byte
		parts, _ := newDocument(o).append(uploads...)
		for _, p := range parts {
			again = append(again, p.Data...)
		}
		if string(again) != string(body) {
			t.Errorf("%v:\n%q\nwas\n%q", pack, again, body)
		}
	}
}

func TestBodyIsNotReplacedByLess(t *testing.T) {
	o := dayKey{day: testDay}
	key := bodyHead{Key: "day.json"}
	head := func(v Version) bodyHead { return bodyHead{Key: key.Key, Version: v} }
	disk := crashfs.New()
	s, err := newSpool(disk, &Config{Name: "all_api", MaxFetches: 10, newID: func() string { return "ID00000001" }, reserve: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	keep := func(of bodyHead, base Version, body []byte) error { return s.keepBody(o, of, base, body) }
	want := func(v Version) {
		t.Helper()
		if got, _, err := s.body(o, key); err != nil || got.Version != v {
			t.Errorf("the body is of version %q, %v; want %q", got.Version, err, v)
		}
	}
	if err := keep(head("a"), "", bodyOf(t, o, 1, 2)); err != nil {
		t.Fatal(err)
	}
	want("a")
	if err := keep(head("b"), "a", bodyOf(t, o, 1, 2, 3)); err != nil {
		t.Fatal(err)
	}
	want("b")
	if err := keep(head("c"), "x", bodyOf(t, o, 3)); !errors.Is(err, errBodyKept) {
		t.Errorf("less has replaced it: %v", err)
	}
	want("b")
	if err := keep(head("d"), "x", bodyOf(t, o, 9, 1, 2, 3)); err != nil {
		t.Errorf("more has not replaced it: %v", err)
	}
	want("d")
	if err := keep(bodyHead{Place: "p00000001", Key: key.Key, Version: "e"}, "d", bodyOf(t, o, 1, 2, 3, 9)); !errors.Is(err, errBodyKept) {
		t.Errorf("another place's has replaced it: %v", err)
	}
	disk.SetCapacity(1)
	if err := keep(head("f"), "d", bodyOf(t, o, 9, 1, 2, 3, 4)); err == nil {
		t.Error("the disk should be full")
	}
	want("d")
	for name := range disk.Tree() {
		if strings.HasSuffix(name, ".new") {
			t.Errorf("%s is in the way on a full disk", name)
		}
	}
	disk.SetCapacity(0)
	if err := s.dropBody(o, key); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.body(o, key); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it was removed, and %v", err)
	}
}

// TestBodyOfAnOlderRelease: the one file for all days is read, and replaced by one of its
// day.
func TestBodyOfAnOlderRelease(t *testing.T) {
	o := dayKey{day: testDay}
	disk := crashfs.New()
	s, err := newSpool(disk, &Config{Name: "all_api", MaxFetches: 10, newID: func() string { return "ID00000001" }, reserve: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	if err := s.keepBody(o, bodyHead{Key: "day.json", Version: "a"}, "", bodyOf(t, o, 1, 2)); err != nil {
		t.Fatal(err)
	}
	if err := disk.Rename(s.bodyPath(o), s.path(bodyFile)); err != nil {
		t.Fatal(err)
	}
	if head, body, err := s.body(o, bodyHead{Key: "day.json"}); err != nil || head.Version != "a" || string(body) != string(bodyOf(t, o, 1, 2)) {
		t.Errorf("%+v, %q, %v", head, body, err)
	}
	if err := s.keepBody(o, bodyHead{Key: "day.json", Version: "b"}, "x", bodyOf(t, o, 3)); !errors.Is(err, errBodyKept) {
		t.Errorf("less has replaced it: %v", err)
	}
	if err := s.keepBody(o, bodyHead{Key: "other.json", Version: "b"}, "x", bodyOf(t, o, 3)); err != nil {
		t.Errorf("the body of another day: %v", err)
	}
	if _, err := disk.Stat(s.path(bodyFile)); err != nil {
		t.Errorf("the body of another day has removed it: %v", err)
	}
}
