package rotatelog_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"example.com/rotatelog"
)

// dayObject is the daily object, as a consumer reads it.
type dayObject struct {
	Metadata struct {
		Date    string `json:"date"`
		Uploads int    `json:"total_uploads"`
		Matches int64  `json:"total_matches_today"`
		First   string `json:"first_upload"`
		Last    string `json:"last_upload"`
		Fetches int    `json:"total_fetches_today"`
	} `json:"daily_metadata"`
	Uploads []dayUpload `json:"uploads"`
}

type dayUpload struct {
	Sequence  int               `json:"upload_sequence"`
	Timestamp string            `json:"upload_timestamp"`
	Matches   int64             `json:"matches_in_upload"`
	Fetches   int               `json:"fetches_in_upload"`
	ID        string            `json:"upload_id"`
	SHA256    string            `json:"upload_sha256"`
	Data      []json.RawMessage `json:"fetch_data"`
}

// parseDay parses a daily object and checks that it agrees with itself.
func parseDay(t *testing.T, key string, content []byte) dayObject {
	t.Helper()
	content = dayText(t, key, content)
	var d dayObject
	if err := json.Unmarshal(content, &d); err != nil {
		t.Fatalf("%s does not parse: %v\n%s", key, err, content)
	}
	sums := checksumsOf(content, d.Uploads)
	matches, fetches, ids := int64(0), 0, map[string]bool{}
	for i, u := range d.Uploads {
		if u.Sequence != i+1 || u.Fetches != len(u.Data) || ids[u.ID] {
			t.Errorf("%s: upload %d has sequence %d, %d of %d fetches, id %q", key, i+1, u.Sequence, u.Fetches, len(u.Data), u.ID)
		}
		if want := sums[u.ID]; u.SHA256 != want {
			t.Errorf("%s: upload %d has the upload_sha256 %q, its text %q", key, i+1, u.SHA256, want)
		}
		if matches += u.Matches; matches < 0 {
			matches = math.MaxInt64
		}
		fetches, ids[u.ID] = fetches+u.Fetches, true
	}
	m, n := d.Metadata, len(d.Uploads)
	if m.Uploads != n || m.Matches != matches || m.Fetches != fetches || n == 0 ||
		m.First != d.Uploads[0].Timestamp || m.Last != d.Uploads[n-1].Timestamp {
		t.Errorf("%s: metadata %+v do not agree with %d uploads, %d fetches, %d matches", key, m, n, fetches, matches)
	}
	return d
}

// uploadHead is the line that begins an upload with a checksum.
var uploadHead = regexp.MustCompile(`(?m)^\{"upload_sequence":\d+,("upload_timestamp":.*,"upload_id":"(\w+)"),"upload_sha256":"\w+","fetch_data":\[\n`)

// checksumsOf returns what upload_sha256 should be for each upload whose head has one,
// by id, as docs/FORMAT.md defines it.
func checksumsOf(text []byte, uploads []dayUpload) map[string]string {
	fetches := map[string][][]byte{}
	for _, u := range uploads {
		for _, fetch := range u.Data {
			fetches[u.ID] = append(fetches[u.ID], fetch)
		}
	}
	sums := map[string]string{}
	for _, head := range uploadHead.FindAllSubmatch(text, -1) {
		id := string(head[2])
		sum := sha256.Sum256(slices.Concat(bytes.Join(fetches[id], []byte(",\n")), head[1]))
		sums[id] = hex.EncodeToString(sum[:])
	}
	return sums
}

// dayText returns the text of a daily object as a consumer gets it, by the end of
// its name: all of a zstd file, the one member of a gzip file.
func dayText(t *testing.T, key string, content []byte) []byte {
	t.Helper()
	text := content
	var err error
	in := bytes.NewReader(content)
	switch {
	case strings.HasSuffix(key, ".zst"):
		var r *zstd.Decoder
		if r, err = zstd.NewReader(in, zstd.WithDecoderConcurrency(1)); err == nil {
			text, err = io.ReadAll(r)
			r.Close()
		}
	case strings.HasSuffix(key, ".gz"):
		var r *gzip.Reader
		if r, err = gzip.NewReader(in); err == nil {
			r.Multistream(false)
			text, err = io.ReadAll(r)
		}
		if err == nil && in.Len() > 0 {
			err = fmt.Errorf("%d bytes after the first member", in.Len())
		}
	}
	if err != nil {
		t.Fatalf("%s: %v", key, err)
	}
	return text
}

// stored is a fetch as it was found in a daily object or in the spool.
type storedFetch struct {
	N      int
	Header struct {
		Number int `json:"fetch_number"`
	} `json:"FETCH_HEADER"`
	Raw struct{ N int } `json:"RAW_API_DATA"`
}

func (f storedFetch) number() int { return max(f.N, f.Raw.N) }

// lastJudged is what was seen in an object when it was last judged.
type lastJudged struct {
	version rotatelog.Version
	entries []string
	fetches map[int]int
}

// stored reads the store, and returns how often each fetch is there. It reports what
// is wrong with an object.
func (w *world) stored() map[int]int {
	all := map[int]int{}
	for _, key := range w.mem.Keys() {
		version := w.version(key)
		seen := w.before[key]
		if seen.version != version {
			seen = w.judgeObject(key, version, seen)
			w.before[key] = seen
		}
		for n, times := range seen.fetches {
			all[n] += times
		}
	}
	return all
}

// version returns the version of an object. It does not ask the server, which may
// lie, but looks inside.
func (w *world) version(key string) rotatelog.Version {
	if _, ok := w.mem.(bucketObjects); ok {
		return rotatelog.Version(fmt.Sprintf("%x", sha256.Sum256(w.mem.Bytes(key))))
	}
	obj, err := w.mem.Stat(context.Background(), key)
	if err != nil {
		w.t.Fatal(err)
	}
	return obj.Version
}

// judgeObject reads one object: it parses, agrees with itself, has grown by whole
// entries, and holds fetches of its own day, in order.
func (w *world) judgeObject(key string, v rotatelog.Version, before lastJudged) lastJudged {
	content := w.mem.Bytes(key)
	d := parseDay(w.t, key, content)
	content = dayText(w.t, key, content)
	if !metadataFirst(content) && !metadataLast(content) {
		w.t.Errorf("%s: it is in neither layout:\n%s", key, content)
	}
	if !strings.Contains(key, d.Metadata.Date+".json") {
		w.t.Errorf("%s: it is of %s", key, d.Metadata.Date)
	}
	seen := lastJudged{version: v, fetches: map[int]int{}}
	last := map[*host]int{} // numbers
	for _, u := range d.Uploads {
		seen.entries = append(seen.entries, fmt.Sprintf("%d %s %s %s", u.Sequence, u.ID, u.Timestamp, u.Data))
		w.judgeUpload(key, d.Metadata.Date, u, seen.fetches, last)
	}
	for i, e := range before.entries {
		if i >= len(seen.entries) || seen.entries[i] != e {
			w.t.Errorf("%s: entry %d was changed, it was %s", key, i+1, e)
			break
		}
	}
	return seen
}

func (w *world) judgeUpload(key, date string, u dayUpload, found map[int]int, last map[*host]int) {
	matches := 0
	var by *host
	for _, raw := range u.Data {
		var s storedFetch
		if err := json.Unmarshal(raw, &s); err != nil {
			w.t.Fatal(err)
		}
		n := s.number()
		f := w.fetch(n)
		if f == nil {
			w.t.Errorf("%s: fetch %d was never submitted", key, n)
			continue
		}
		found[n]++
		matches += n % 7
		if by == nil {
			by = f.host
		}
		if f.host != by {
			w.t.Errorf("%s: upload %d holds fetches of two hosts", key, u.Sequence)
		}
		if r := f.receipt; f.acked() {
			if r.Day.String() != date || s.Header.Number > 0 && s.Header.Number != r.Number {
				w.t.Errorf("%s: fetch %d is #%d of %v, and says #%d", key, n, r.Number, r.Day, s.Header.Number)
			}
			if r.Number <= last[by] {
				w.t.Errorf("%s: fetch #%d is after #%d", key, r.Number, last[by])
			}
			last[by] = r.Number
		} else if !f.anyDay && f.days[0].String() != date && f.days[1].String() != date {
			w.t.Errorf("%s: fetch %d is of %v", key, n, f.days)
		}
	}
	if u.Matches != int64(matches) {
		w.t.Errorf("%s: upload %d says %d matches, has %d", key, u.Sequence, u.Matches, matches)
	}
}

// metadataFirst reports whether a day's object has the layout of a small or a
// closed day.
func metadataFirst(content []byte) bool {
	return bytes.HasPrefix(content, []byte(`{"daily_metadata":{"date":`)) && bytes.HasSuffix(content, []byte("\n]}\n"))
}

// metadataLast reports whether a day's object has the layout of a large day.
func metadataLast(content []byte) bool {
	_, after, _ := bytes.Cut(content[max(0, bytes.LastIndexByte(content[:len(content)-1], '\n')):], []byte("\n"))
	return bytes.HasPrefix(content, []byte(`{"uploads":[`)) && bytes.HasPrefix(after, []byte(`"daily_metadata":{"date":`)) &&
		bytes.HasSuffix(after, []byte("}}\n"))
}

// judgeClosed wants every day that is over for all hosts to be closed. Nothing
// of it may wait.
func (w *world) judgeClosed() {
	w.t.Helper()
	for _, key := range w.mem.Keys() {
		over := true
		for _, h := range w.hosts {
			over = over && path.Base(key) < "all_api_json_log_"+h.today().String()
		}
		if !over {
			continue
		}
		if content := dayText(w.t, key, w.mem.Bytes(key)); !metadataFirst(content) {
			w.t.Errorf("%s: it is over, and not closed:\n%s", key, content)
		}
	}
}

// judge is the oracle. Every host must be up.
func (w *world) judge() {
	w.t.Helper()
	stored := w.stored()
	local := map[*host]map[int]bool{}
	for _, h := range w.hosts {
		local[h] = h.local()
	}
	for n, times := range stored {
		if times > 1 {
			w.t.Errorf("fetch %d is in the store %d times", n, times)
		}
	}
	type number struct {
		*host
		place
	}
	taken := map[number]int{}
	for n, f := range w.acked() {
		if stored[n] == 0 && !local[f.host][n] {
			w.t.Errorf("fetch %d (host %d, %v #%d) is neither in the spool nor in the store", n, f.host.id, f.receipt.Day, f.receipt.Number)
		}
		at := number{f.host, place{f.receipt.Day, f.receipt.Number}}
		if m, ok := taken[at]; ok {
			w.t.Errorf("fetches %d and %d are both #%d of %v", m, n, at.number, at.day)
		}
		taken[at] = n
	}
	w.judgeKeys()
	if w.t.Failed() {
		w.t.FailNow()
	}
}

// judgeKeys wants what a host appended on a day in one object below a Prefix,
// whatever its Config says of compression meanwhile.
func (w *world) judgeKeys() {
	w.t.Helper()
	type hostDay struct {
		*host
		rotatelog.Day
		prefix string
	}
	keys := map[hostDay]string{}
	for _, key := range slices.Sorted(maps.Keys(w.before)) {
		for n := range w.before[key].fetches {
			f := w.fetch(n)
			if f == nil || !f.acked() {
				continue
			}
			at := hostDay{f.host, f.receipt.Day, path.Dir(key)}
			if other, ok := keys[at]; ok && other != key {
				w.t.Errorf("host %d: %v is in %s and in %s", f.host.id, at.Day, other, key)
			}
			keys[at] = key
		}
	}
}

const pendingDir = "all_api.spool/pending/"

// local returns the fetches that the host has on disk and would upload.
func (h *host) local() map[int]bool {
	h.mu.Lock()
	healed := h.healed
	h.mu.Unlock()
	found := map[int]bool{}
	for name, content := range h.disk.Tree() {
		if name != arrayName && !(strings.HasPrefix(name, pendingDir) && strings.HasSuffix(name, ".json")) {
			continue
		}
		if healed && !json.Valid([]byte(content)) {
			h.t.Errorf("host %d: %s does not parse: %q", h.id, name, content)
		}
		d := json.NewDecoder(bytes.NewReader([]byte(content)))
		if _, err := d.Token(); err != nil && err != io.EOF {
			continue
		}
		for d.More() {
			var f storedFetch
			if d.Decode(&f) != nil {
				break
			}
			found[f.number()] = true
		}
	}
	return found
}

// upload appends a fetch on each host, and wants it to be uploaded.
func (w *world) upload(hosts ...*host) {
	w.t.Helper()
	for _, h := range hosts {
		h.appendN(1)
		ctx, cancel := within(time.Hour)
		if err := h.proc.w.Flush(ctx); err != nil {
			w.t.Errorf("host %d: flush: %v", h.id, err)
		}
		cancel()
	}
}

// slowestCall is longer than any call of the store that began during faults, and may
// still fail.
const slowestCall = 2 * time.Minute

// closingTime is how long closing takes without faults. An earlier refusal of the
// store delays it by an hour.
const closingTime = time.Hour + time.Minute

// calmTime is enough for either in a calm world: nothing is left of faults, and of the day
// there is only midnight to come.
const calmTime = 5 * time.Minute

// finish turns all faults off, and wants everything in the store, once, and
// nothing left open.
func (w *world) finish(choose func(int) int) {
	w.note("finish")
	for _, h := range w.hosts {
		h.mu.Lock()
		h.storeTrouble, h.diskTrouble, h.away, h.inject, h.cut = 0, 0, false, nil, 0
		for _, p := range h.processes() {
			p.doom = 0
		}
		h.mu.Unlock()
		h.revive(choose)
	}
	late, closing := slowestCall, closingTime
	if w.calm {
		late, closing = 0, calmTime
	}
	w.sleep(context.Background(), "finish", late)
	for _, h := range w.hosts {
		h.revive(choose)
	}
	for _, h := range w.hosts {
		if h.moved {
			h.comeHome(choose)
		}
	}
	rounds := 2 // a spool that was full has room the second time
	if w.calm {
		rounds = 1
	}
	for range rounds {
		w.upload(w.hosts...)
	}
	if late, _ := w.isLate(); late {
		for range lateUploads {
			w.upload(w.hosts[0])
		}
		w.release()
		w.judge()
		w.upload(w.hosts...)
	}
	w.sleep(context.Background(), "finish", closing)
	w.judge()
	w.judgeClosed()
	stored := w.stored()
	for n := range w.acked() {
		if stored[n] == 0 {
			w.t.Errorf("fetch %d is not in the store at the end", n)
		}
	}
	for _, h := range w.hosts {
		for _, p := range h.processes() {
			h.end(p)
		}
		if open := h.disk.OpenFiles(); len(open) > 0 {
			w.t.Errorf("host %d: left open: %q", h.id, open)
		}
	}
}
