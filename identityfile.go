package rotatelog

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"
	"time"

	"example.com/rotatelog/internal/rawjson"
)

// The file identities has a line for each batch whose fetches were read, or could not be,
// for each record of the array when its Writer was closed, and for a few fetches to try the
// function on.
// It is a cache: a line that does not end in its own checksum says nothing.

// identitiesTitle begins the file, followed by the name of the function.
const identitiesTitle = "rotatelog identities 1 "

// indexedBatch is what a line says of a batch.
type indexedBatch struct {
	size   int64 // of its file, as it was sealed
	hashes []identityHash
	secure bool // its name in pending/ was synced by this Writer
}

// recordSum recognizes a record of the array.
type recordSum struct {
	size int
	sum  uint32
}

func sumOf(record []byte) recordSum { return recordSum{len(record), checksum(record)} }

func checksum(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }

// probe is a fetch with its hash. Another function gives it another.
type probe struct {
	hash  identityHash
	fetch []byte
}

// identityLines is what the file says.
type identityLines struct {
	function string // name of the function
	batches  map[string]indexedBatch
	records  map[recordSum]identityHash
	failed   map[string]readFailures
	probes   []probe
	lines    int   // how many there are
	end      int64 // offset past the last whole line
	damaged  bool  // one of them says nothing
}

// appendLine appends a line.
func appendLine(dst []byte, text string) []byte {
	return fmt.Appendf(dst, "%s %08x\n", text, checksum([]byte(text)))
}

func appendHashes(b *strings.Builder, hashes []identityHash) {
	for _, h := range hashes {
		if b.WriteByte(' '); h == noIdentity {
			b.WriteByte('-')
			continue
		}
		fmt.Fprintf(b, "%016x", uint64(h))
	}
}

func appendBatchLine(dst []byte, id string, i indexedBatch) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "batch %s %d", id, i.size)
	appendHashes(&b, i.hashes)
	return appendLine(dst, b.String())
}

func appendRecordLine(dst []byte, sum recordSum, hash identityHash) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "record %d %08x", sum.size, sum.sum)
	appendHashes(&b, []identityHash{hash})
	return appendLine(dst, b.String())
}

func appendFailuresLine(dst []byte, id string, f readFailures) []byte {
	return appendLine(dst, fmt.Sprintf("unread %s %d %d %d", id, f.first.Unix(), f.last.Unix(), f.n))
}

func appendProbeLine(dst []byte, p probe) []byte {
	var b strings.Builder
	b.WriteString("probe")
	appendHashes(&b, []identityHash{p.hash})
	b.WriteByte(' ')
	b.Write(p.fetch)
	return appendLine(dst, b.String())
}

// parseIdentities reads the file, however it is damaged.
func parseIdentities(content []byte) identityLines {
	f := identityLines{batches: map[string]indexedBatch{}, records: map[recordSum]identityHash{}, failed: map[string]readFailures{}}
	for rest := content; ; f.lines++ {
		line, after, whole := bytes.Cut(rest, []byte("\n"))
		if !whole {
			f.damaged = f.damaged || len(line) > 0
			return f
		}
		f.end += int64(len(line)) + 1
		rest = after
		if !f.addLine(string(line)) {
			f.damaged = true
		}
	}
}

func (f *identityLines) addLine(line string) bool {
	i := strings.LastIndexByte(line, ' ')
	if i < 0 || len(line)-i != len(" 00000000") {
		return false
	}
	if sum, err := strconv.ParseUint(line[i+1:], 16, 32); err != nil || uint32(sum) != checksum([]byte(line[:i])) {
		return false
	}
	line = line[:i]
	if name, ok := strings.CutPrefix(line, identitiesTitle); ok && f.lines == 0 {
		f.function = name
		return true
	}
	kind, rest, _ := strings.Cut(line, " ")
	switch kind {
	case "batch":
		return f.addBatch(strings.Fields(rest))
	case "record":
		return f.addRecord(strings.Fields(rest))
	case "unread":
		return f.addFailures(strings.Fields(rest))
	case "probe":
		hash, fetch, _ := strings.Cut(rest, " ")
		h, ok := parseHash(hash)
		f.probes = append(f.probes, probe{h, []byte(fetch)})
		return ok
	}
	return false
}

func (f *identityLines) addBatch(fields []string) bool {
	if len(fields) < 2 {
		return false
	}
	size, err := strconv.ParseInt(fields[1], 10, 64)
	hashes := make([]identityHash, len(fields)-2)
	ok := err == nil
	for i, text := range fields[2:] {
		var is bool
		hashes[i], is = parseHash(text)
		ok = ok && is
	}
	if ok {
		f.batches[fields[0]] = indexedBatch{size: size, hashes: hashes}
	}
	return ok
}

func (f *identityLines) addRecord(fields []string) bool {
	if len(fields) != 3 {
		return false
	}
	size, err1 := strconv.Atoi(fields[0])
	sum, err2 := strconv.ParseUint(fields[1], 16, 32)
	hash, ok := parseHash(fields[2])
	if ok = ok && err1 == nil && err2 == nil; ok {
		f.records[recordSum{size, uint32(sum)}] = hash
	}
	return ok
}

func (f *identityLines) addFailures(fields []string) bool {
	if len(fields) != 4 {
		return false
	}
	first, err1 := strconv.ParseInt(fields[1], 10, 64)
	last, err2 := strconv.ParseInt(fields[2], 10, 64)
	n, err3 := strconv.Atoi(fields[3])
	if err1 != nil || err2 != nil || err3 != nil {
		return false
	}
	f.failed[fields[0]] = readFailures{time.Unix(first, 0), time.Unix(last, 0), n}
	if n == 0 { // it could be read after that
		delete(f.failed, fields[0])
	}
	return true
}

func parseHash(text string) (identityHash, bool) {
	if text == "-" {
		return noIdentity, true
	}
	h, err := strconv.ParseUint(text, 16, 64)
	return identityHash(h), err == nil && h != 0
}

// keptProbes is how many fetches of at most probeSize bytes are kept to try the function on.
const (
	keptProbes = 3
	probeSize  = 16 << 10
)

// isOf reports whether the file is of a function, as far as that can be told.
func (f *identityLines) isOf(cfg *Config) bool {
	if f.function != cfg.identityName() {
		return false
	}
	for _, p := range f.probes {
		if cfg.storedHash(p.fetch) != p.hash {
			return false
		}
	}
	return true
}

// newProbe makes a probe of a stored fetch. ok is false if it is too large, or of no use.
func newProbe(fetch []byte, hash identityHash) (p probe, ok bool) {
	if len(fetch) > probeSize || hash == noIdentity {
		return probe{}, false
	}
	text, err := rawjson.AppendCompact(nil, fetch)
	return probe{hash, text}, err == nil
}
