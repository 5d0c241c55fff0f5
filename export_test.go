package rotatelog

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"example.com/rotatelog/internal/vfs"
)

// UpdateGolden says to rewrite the golden files.
var UpdateGolden = updateGolden

// OnDisk returns cfg with the test's own disk and ids, and without a reserve: see
// WithReserve.
func OnDisk(cfg Config, disk vfs.FS, newID func() string) Config {
	cfg.fs, cfg.newID = disk, newID
	cfg.reserve = cmp.Or(cfg.reserve, -1)
	return cfg
}

// WithReserve returns cfg with a reserve of files of that many bytes.
func WithReserve(cfg Config, size int64) Config {
	cfg.reserve = size
	return cfg
}

// LargeFrom returns cfg with days that are large from that size.
func LargeFrom(cfg Config, size int64) Config {
	cfg.largeDay = size
	return cfg
}

// WithoutChance returns cfg with backoffs that are not random.
func WithoutChance(cfg Config) Config {
	cfg.jitter = func(d time.Duration) time.Duration { return d / 3 }
	return cfg
}

// ParseKey is parseKey.
func ParseKey(key string) (prefixName string, day Day, pack Compression, ok bool) {
	prefixName, o, ok := parseKey(key)
	return prefixName, o.day, o.pack, ok
}

// MetaOf returns the metadata of an object of a day with an upload, and its size.
func MetaOf(day Day, pack Compression) (size int64, meta map[string]string) {
	_, d := newDocument(dayKey{day, pack}).append(upload{ID: "ID00000001"})
	return d.size, d.meta()
}

// InspectOn is Inspect of a test's own disk.
func InspectOn(disk vfs.FS, name string) (SpoolStatus, error) {
	i := NewInspector("", name)
	i.memory.disk = nil
	return i.InspectOn(disk)
}

// InspectOn is Inspect of a test's own disk.
func (i *Inspector) InspectOn(disk vfs.FS) (SpoolStatus, error) {
	return i.inspect(disk, &Config{Name: i.name, Clock: systemClock{}})
}

// Remembered returns the names of the files that are remembered.
func (i *Inspector) Remembered() []string {
	return slices.Sorted(maps.Keys(i.memory.disk.files.now))
}

// ForgeIdentity gives all hashes of one kind of lines of the file identities to an
// identity.
func ForgeIdentity(content []byte, kind, identity string) []byte {
	var forged []byte
	for line := range strings.Lines(string(content)) {
		text, _, _ := strings.Cut(line, "\n")
		text = text[:strings.LastIndexByte(text, ' ')]
		fields := strings.Fields(text)
		if fields[0] == kind {
			for i := range fields[3:] {
				fields[3+i] = fmt.Sprintf("%016x", uint64(hashOf(identity)))
			}
			text = strings.Join(fields, " ")
		}
		forged = appendLine(forged, text)
	}
	return forged
}

// AwaitIndex waits until a Writer knows in which batches the identities are, or cannot.
func AwaitIndex(w *Writer) {
	if w.index != nil {
		<-w.index.built
	}
}
