package rotatelog

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"example.com/rotatelog/internal/rawjson"
)

// What happens is reported twice: to the log, for people, and to the hooks.

// beginAppend returns when an Append begins, if anybody wants to know.
func (cfg *Config) beginAppend() time.Time {
	if cfg.Hooks.Appended == nil {
		return time.Time{}
	}
	return cfg.Clock.Now()
}

// reportAppended reports to the hook only: a log of each fetch would be as long as the
// archive.
func (cfg *Config) reportAppended(began time.Time, r Receipt, err error) {
	if err == nil && cfg.Hooks.Appended != nil {
		cfg.Hooks.Appended(Appended{cfg.Name, r, cfg.Clock.Now().Sub(began)})
	}
}

func (cfg *Config) reportSealed(s Sealed) {
	cfg.Logger.Info("batch sealed", "day", s.Day, "first", s.First, "last", s.Last, "fetches", s.Fetches, "reason", s.Reason)
	s.Name = cfg.Name
	if cfg.Hooks.Sealed != nil {
		cfg.Hooks.Sealed(s)
	}
}

func (cfg *Config) reportSealFailed(err error) {
	cfg.Logger.Error("batch could not be sealed; nothing is lost, the next append or minute tries again",
		"file", cfg.path(cfg.Name+".json"), "err", err)
}

func (cfg *Config) reportUploaded(u Uploaded) {
	if u.Sequence == 1 {
		cfg.Logger.Info("daily file created", "day", u.Day, "key", u.Key)
	}
	cfg.Logger.Info("uploaded", "day", u.Day, "sequence", u.Sequence, "fetches", u.Fetches, "matches", u.Matches,
		"day_fetches", u.Totals.Fetches, "day_matches", u.Totals.Matches)
	u.Name, u.Totals.Name = cfg.Name, cfg.Name
	if cfg.Hooks.Uploaded != nil {
		cfg.Hooks.Uploaded(u)
	}
}

// troubled is how many failures in a row are more than a hiccup.
const troubled = 3

func (cfg *Config) reportFailed(f Failed) {
	level := slog.LevelWarn
	if f.Permanent || f.Attempt >= troubled {
		level = slog.LevelError
	}
	cfg.Logger.Log(context.Background(), level, "upload failed; the batches wait on disk", "waiting", f.Pending, "attempt", f.Attempt, "retry_in", f.Retry, "err", f.Err)
	cfg.callFailed(f)
}

func (cfg *Config) callFailed(f Failed) {
	f.Name = cfg.Name
	if cfg.Hooks.Failed != nil {
		cfg.Hooks.Failed(f)
	}
}

func (cfg *Config) reportLookFailed(f Failed) {
	level := slog.LevelWarn
	if f.Permanent || f.Attempt >= troubled {
		level = slog.LevelError
	}
	cfg.Logger.Log(context.Background(), level, "today's object could not be looked at, or cannot be appended to; fetches are kept on disk",
		"day", f.Day, "waiting", f.Pending, "attempt", f.Attempt, "retry_in", f.Retry, "err", f.Err)
	cfg.callFailed(f)
}

func (cfg *Config) reportForeign(day Day, key string) {
	cfg.Logger.Warn("today's object was begun by another program; uploads are appended to it, and what is in it stays as it is", "day", day, "key", key)
}

func (cfg *Config) reportReady(l DayLook, waiting int) {
	cfg.Logger.Info("ready", "day", l.Day, "key", l.Key, "uploads", l.Uploads, "fetches", l.Fetches, "matches", l.Matches, "waiting", waiting)
}

func (cfg *Config) reportContended(day Day, attempt int, retry time.Duration, err error) {
	cfg.Logger.Debug("other Writers of the key were faster; the batches wait on disk", "day", day, "attempt", attempt, "retry_in", retry, "err", err)
}

func (cfg *Config) reportSlow(day Day, silence time.Duration) {
	cfg.Logger.Warn("an upload has been under way for long; other days continue. See whether the store, or something that holds its lock, has stopped",
		"day", day, "for", silence)
}

func (cfg *Config) reportDayLocked(day Day) {
	cfg.Logger.Info("another program works on the day; its uploads wait", "day", day)
}

// reportLost reports what was gone from a day's object. Uploads continue.
func (cfg *Config) reportLost(day Day, waiting int, err error) {
	cfg.Logger.Error("uploads are gone from the day's object", "day", day, "err", err)
	cfg.callFailed(Failed{Day: day, Err: err, Pending: waiting, Attempt: 1, Permanent: true})
}

// mostDifferences is how many differences one line of the log names.
const mostDifferences = 10

// reportChanged reports what somebody changed in a day's object.
func (cfg *Config) reportChanged(c Changed) {
	named := c.Differences[:min(len(c.Differences), mostDifferences)]
	cfg.Logger.Error("somebody else changed the day's object; uploads continue, and nothing in it is changed back",
		"day", c.Day, "key", c.Key, "differences", strings.Join(named, "; "), "more", len(c.Differences)-len(named))
	c.Name = cfg.Name
	if cfg.Hooks.Changed != nil {
		cfg.Hooks.Changed(c)
	}
}

func (cfg *Config) reportDayComplete(t Totals) {
	cfg.Logger.Info("day changed", "yesterday", t.Day, "uploads", t.Uploads, "fetches", t.Fetches, "matches", t.Matches)
	t.Name = cfg.Name
	if cfg.Hooks.DayComplete != nil {
		cfg.Hooks.DayComplete(t)
	}
}

func (cfg *Config) reportClosed(t Totals, key string) {
	cfg.Logger.Info("daily file closed", "day", t.Day, "key", key, "uploads", t.Uploads, "fetches", t.Fetches, "matches", t.Matches)
}

func (cfg *Config) reportNotClosed(day Day, attempt int, retry time.Duration, err error) {
	cfg.Logger.Warn("daily file could not be closed; it is whole and valid, with daily_metadata last, and uploads go on",
		"day", day, "attempt", attempt, "retry_in", retry, "err", err)
}

func (cfg *Config) reportNotCompressed(file string, retry time.Duration, err error) {
	cfg.Logger.Warn("a confirmed batch could not be compressed; it is kept as it is", "file", file, "retry_in", retry, "err", err)
}

func (cfg *Config) reportNotSwept(err error) {
	cfg.Logger.Warn("uploads that were begun and never ended could not be looked for; it is tried again tomorrow", "err", err)
}

func (cfg *Config) reportUncounted(u Uncounted) {
	cfg.Logger.Warn("fetch kept, its matches not counted", "day", u.Day, "number", u.Number, "err", u.Err)
	u.Name = cfg.Name
	if cfg.Hooks.Uncounted != nil {
		cfg.Hooks.Uncounted(u)
	}
}

func (cfg *Config) reportNoDirSync(dir string, err error) {
	cfg.Logger.Warn("directories cannot be synced on this file system: a power cut may take files, and fetches with them; set Dir to a local disk",
		"dir", cfg.path(dir), "err", err)
}

func (cfg *Config) reportCountless(day Day) {
	cfg.Logger.Warn("all fetches count 0 matches: none has "+rawjson.PathName(cfg.countPath)+"; set Config.Count, to CountArray or CountMember for example (for the command, --count), to say where a fetch has its count",
		"day", day)
}

// aside returns the path of the bytes that were set aside, "" for none.
func (cfg *Config) aside(r Repaired) string {
	if r.Quarantined == "" {
		return ""
	}
	return cfg.path(r.Quarantined)
}

func (cfg *Config) reportRepaired(r Repaired) {
	cfg.Logger.Warn("spool repaired", "file", cfg.path(r.File), "what", r.Problem, "aside", cfg.aside(r))
	r.Name = cfg.Name
	if cfg.Hooks.Repaired != nil {
		cfg.Hooks.Repaired(r)
	}
}
