package rotatelog

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"example.com/rotatelog/internal/hint"
	"example.com/rotatelog/internal/rawjson"
	"example.com/rotatelog/internal/reserve"
	"example.com/rotatelog/internal/vfs"
)

// Config says what a Writer writes, and where. Dir and Store must be set; the
// zero value of every other field is a good choice. Open does not change it.
type Config struct {
	// Dir is the directory of the local file and the spool; it is created if
	// necessary. It must be on a local disk that outlives the process, and be one file
	// system with nothing mounted in it. It must not be shared with another machine,
	// since the spool in it is a Writer's identity.
	Dir string
	// Name is the name of the stream: "all_api" unless set. Letters, digits,
	// '_', '-' and '.', not beginning with a dot, nor ending in ".last". Streams of
	// different names may share Dir.
	Name string
	// Prefix begins the key of every object: "{Name}_rotating_logs/" unless set.
	Prefix string
	// Store is where the daily objects live.
	Store Store

	// MaxFetches is how many fetches make a batch: 10 unless set.
	MaxFetches int
	// MaxFetchBytes is the size of the largest fetch: 64 MiB unless set.
	MaxFetchBytes int64
	// MaxPendingBytes bounds what waits on disk, the batch being filled
	// included; Append then returns ErrSpoolFull. 0: no bound but the disk.
	MaxPendingBytes int64
	// MaxDepth is how deep a fetch may nest: 500 unless set. Python's json
	// module fails near 1,000, and the daily object adds four levels.
	MaxDepth int

	// Location is the zone whose midnight ends a day: America/New_York unless set.
	Location *time.Location
	// TimeOf returns when a fetch was made, for archives: see HeaderTime. It gets the
	// fetch as Append did, and must be safe for concurrent use. If it returns an error
	// the fetch is refused. If unset, a fetch was made when it is appended. If set,
	// neither midnight nor Open seals a batch. A day's fetch numbers continue where
	// they ended as long as the day is among the last 366 appended to.
	TimeOf func(fetch []byte) (time.Time, error)
	// Identity returns what says that two fetches are the same one, such as an id that
	// the source gave it: see HeaderIdentity and ContentIdentity. A fetch whose identity
	// is that of one in the local file or among the batches that the spool keeps, and can
	// read, is not stored again; see Receipt.Duplicate. So a source that delivers a fetch again until
	// it is acknowledged has it stored once, if it does so while the spool keeps the
	// first: see KeepFor. "" says that the fetch has no identity, and is stored. If
	// Identity returns an error the fetch is refused.
	//
	// Identity gets fetches as they come, and those that are stored as they are in the
	// local file: white space between tokens must not matter to it. It must be safe for
	// concurrent use. What it returned is remembered in a file of the spool; after a
	// change of what it returns for a fetch, delete {Name}.spool/identities.
	Identity func(fetch []byte) (string, error)
	// Clock is where the time comes from: the system's clock unless set.
	Clock Clock

	// Count counts the matches of a fetch: CountMember("FETCH_FOOTER",
	// "total_matches") unless set.
	Count CountFunc
	// StrictCount refuses a fetch that cannot be counted, with ErrInvalidFetch,
	// instead of keeping it with a count of 0.
	StrictCount bool
	// Verbatim keeps fetches in the local file as they come, not indented. A fetch that
	// nests so deep that indenting would make it about six times as long or longer is
	// kept compact in any case.
	Verbatim bool

	// Compression says how daily objects are compressed: not at all, unless set.
	// A day keeps the compression that it began with, so a change takes effect the next
	// day.
	Compression Compression

	// AppendOnly leaves uploading to other Writers of the stream, such as one that is
	// opened from time to time. Store may then be unset, and Drain is an error.
	AppendOnly bool

	// Sync says when fetches become durable: before Append returns, unless set.
	Sync SyncPolicy
	// KeepUploaded is how many confirmed batches stay on disk in any case while that is
	// not full: 10 unless set. A negative number keeps only the last one, whose name
	// recovery may need. The last one of a day that is not closed stays too, for up
	// to 7 days, and so do batches that were not seen in the day's object.
	KeepUploaded int
	// KeepFor is how long other confirmed batches stay as a backup, counted from when
	// they were sealed: 48 hours unless set. A negative duration keeps none. They are
	// compressed in the background, some 40 times smaller. A program that runs for one
	// fetch compresses one of them each time it drains.
	KeepFor time.Duration
	// KeepBytes bounds what confirmed batches may take on disk for KeepFor: 2 GiB unless
	// set. The oldest go first. A negative number sets no bound.
	KeepBytes int64
	// LockWait is how long Open waits for another Writer of the same stream and
	// directory to close, before it returns ErrLocked.
	LockWait time.Duration

	// Logger gets the log: slog.Default unless set.
	Logger *slog.Logger
	// Hooks are called when something happens.
	Hooks Hooks

	reserve   int64    // bytes in each file of the reserve
	largeDay  int64    // size of an object from which it is large, in bytes
	countPath []string // of the count, if it is found while checking; nil: Count is the user's

	fs     vfs.FS                            // in tests, what Dir stands for
	newID  func() string                     // in tests, the ids of batches
	jitter func(time.Duration) time.Duration // in tests, the random part of a backoff
}

// SyncPolicy says when an appended fetch is on disk for good.
type SyncPolicy int

const (
	// SyncAppend syncs before Append returns: a fetch survives a power cut.
	SyncAppend SyncPolicy = iota
	// SyncSeal syncs when a batch is sealed: a power cut may take the fetches
	// of the unfinished batch, the end of the process none.
	SyncSeal
)

// The defaults of Config.
const (
	defaultName          = "all_api"
	defaultMaxFetches    = 10
	defaultMaxFetchBytes = 64 << 20
	defaultMaxDepth      = 500
	defaultKeepUploaded  = 10
	defaultKeepFor       = 48 * time.Hour
	defaultKeepBytes     = 2 << 30
	defaultZone          = "America/New_York"
)

// checked returns cfg with its defaults filled in, or what is wrong with it.
func (cfg Config) checked() (Config, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return cfg, err
	}
	return cfg, cfg.check()
}

func (cfg Config) withDefaults() (Config, error) {
	cfg.Name = cmp.Or(cfg.Name, defaultName)
	cfg.Prefix = cmp.Or(cfg.Prefix, cfg.Name+"_rotating_logs/")
	cfg.MaxFetches = cmp.Or(cfg.MaxFetches, defaultMaxFetches)
	cfg.MaxFetchBytes = cmp.Or(cfg.MaxFetchBytes, defaultMaxFetchBytes)
	cfg.MaxDepth = cmp.Or(cfg.MaxDepth, defaultMaxDepth)
	cfg.KeepUploaded = max(cmp.Or(cfg.KeepUploaded, defaultKeepUploaded), 1)
	cfg.KeepFor = cmp.Or(cfg.KeepFor, defaultKeepFor)
	cfg.KeepBytes = cmp.Or(cfg.KeepBytes, defaultKeepBytes)
	cfg.largeDay = cmp.Or(cfg.largeDay, largeDay)
	cfg.reserve = cmp.Or(cfg.reserve, reserve.FileSize)
	if cfg.Clock == nil {
		cfg.Clock = systemClock{}
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.Count == nil {
		cfg.countPath = []string{footerMember, totalMember}
		cfg.Count = CountMember(cfg.countPath...)
	}
	if cfg.newID == nil {
		cfg.newID = rand.Text
	}
	if cfg.jitter == nil {
		cfg.jitter = randomJitter
	}
	if cfg.Location == nil {
		loc, err := time.LoadLocation(defaultZone)
		if err != nil {
			return cfg, fmt.Errorf("Location: %w", err)
		}
		cfg.Location = loc
	}
	return cfg, nil
}

// check returns what is wrong with cfg, whose defaults are filled in.
func (cfg *Config) check() error {
	switch {
	case cfg.Dir == "" && cfg.fs == nil:
		return errors.New("Dir is not set: name the directory for the local file and the spool")
	case noStore(cfg.Store) && !cfg.AppendOnly:
		return errors.New("Store is not set: give it an s3store.Store, or a dirstore.Store to begin with")
	case !validName(cfg.Name):
		return fmt.Errorf("Name %q: use up to 100 letters, digits, '_', '-' and '.', not beginning with a dot", cfg.Name)
	case strings.HasSuffix(strings.ToLower(cfg.Name)+arrayEnd, lastEnd):
		return fmt.Errorf("Name %q may not end in .last: its local file could be the link to the last batch of another stream", cfg.Name)
	case !validPrefix(cfg.Prefix):
		return fmt.Errorf("Prefix %q: use a relative path such as logs/, without '..', '\\' or control characters", cfg.Prefix)
	case cfg.MaxFetches < 0, cfg.MaxFetchBytes < 0, cfg.MaxPendingBytes < 0, cfg.MaxDepth < 0, cfg.LockWait < 0:
		return errors.New("MaxFetches, MaxFetchBytes, MaxPendingBytes, MaxDepth and LockWait may not be negative")
	case !cfg.Compression.known():
		return fmt.Errorf("Compression %d is neither Uncompressed, Zstd nor Gzip", cfg.Compression)
	case cfg.Sync != SyncAppend && cfg.Sync != SyncSeal:
		return fmt.Errorf("Sync %d is neither SyncAppend nor SyncSeal", cfg.Sync)
	}
	return nil
}

// noStore reports whether s is nil, or a nil pointer, such as a constructor returns
// with an error.
func noStore(s Store) bool {
	v := reflect.ValueOf(s)
	return !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil()
}

func validName(s string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-."
	return len(s) <= 100 && s[0] != '.' &&
		strings.IndexFunc(s, func(r rune) bool { return !strings.ContainsRune(letters, r) }) < 0
}

// validPrefix reports whether a prefix followed by a name is a path that does not lead
// upwards.
func validPrefix(s string) bool {
	control := func(r rune) bool { return r < ' ' || r == '\x7f' || r == '\\' }
	return len(s) <= 500 && strings.IndexFunc(s, control) < 0 && fs.ValidPath(s+"x")
}

// path returns the path of a file in Dir, for people.
func (cfg *Config) path(name string) string { return filepath.Join(cfg.Dir, filepath.FromSlash(name)) }

// key returns the key of a day's object.
func (cfg *Config) key(o dayKey) string { return o.key(cfg.Prefix, cfg.Name) }

// timestamp returns the upload_timestamp of a batch.
func (cfg *Config) timestamp(b batch) string {
	return b.day.clip(b.sealed, cfg.Location).Format(TimeLayout)
}

// today returns the day it is.
func (cfg *Config) today() Day { return DayOf(cfg.Clock.Now(), cfg.Location) }

// dayOf returns the day that a fetch was made on, and when.
func (cfg *Config) dayOf(fetch []byte) (Day, error) {
	if cfg.TimeOf == nil {
		return cfg.today(), nil
	}
	t, err := cfg.timeOf(fetch)
	if err != nil {
		return Day{}, fmt.Errorf("%w: its time: %w", ErrInvalidFetch, err)
	}
	day := DayOf(t, cfg.Location)
	if !day.hasName() {
		return Day{}, hint.Add(fmt.Errorf("%w: its time is in the year %d", ErrInvalidFetch, day.Year), "see whether Config.TimeOf takes milliseconds for seconds")
	}
	return day, nil
}

// timeOf calls TimeOf, which a user may have written. A panic in it is returned as an
// error, or a fetch could end the program at each start.
func (cfg *Config) timeOf(fetch []byte) (t time.Time, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("Config.TimeOf panicked: %v", p)
		}
	}()
	return cfg.TimeOf(fetch)
}

// checkClock returns an error if now, from a Clock, is on a day that has no name, here
// or in UTC: a batch of that day would not be found again.
func checkClock(now time.Time, loc *time.Location) error {
	for _, day := range []Day{DayOf(now, loc), DayOf(now, time.UTC)} {
		if !day.hasName() {
			return hint.Add(fmt.Errorf("the clock is in the year %d", day.Year), "set the clock of this machine, or correct Config.Clock")
		}
	}
	return nil
}

// maxIndented is how many times as long a fetch may become by indenting.
const maxIndented = 6

// format appends a fetch in the form that it has in the local file.
func (cfg *Config) format(dst, fetch []byte) ([]byte, error) {
	if cfg.Verbatim {
		return append(dst, fetch...), nil // unlike Grow, this need not clear the memory first
	}
	if rawjson.IndentedSize(fetch) > maxIndented*len(fetch)+4<<10 {
		return rawjson.AppendCompact(dst, fetch)
	}
	return rawjson.AppendIndented(slices.Grow(dst, len(fetch)), fetch)
}
