package s3store

import (
	"sync"
	"time"

	"example.com/rotatelog"
)

// versionCache holds the versions that a store saw last of some keys. It saves a
// request: before an upload that no condition protects is completed, the object
// must still be the same, which need not be asked if it was just seen.
type versionCache struct {
	mu   sync.Mutex // guards last
	last map[string]cachedVersion
}

type cachedVersion struct {
	version rotatelog.Version
	at      time.Time
}

const (
	maxCached = 64               // keys
	cacheAge  = 30 * time.Second // for which an entry counts
)

func (v *versionCache) record(key string, version rotatelog.Version) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.last == nil || len(v.last) >= maxCached {
		v.last = map[string]cachedVersion{}
	}
	v.last[key] = cachedVersion{version, time.Now()}
}

// isCurrent reports whether that version was seen a short time ago, and no other
// since.
func (v *versionCache) isCurrent(key string, version rotatelog.Version) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	s, ok := v.last[key]
	return ok && s.version == version && time.Since(s.at) < cacheAge
}

// forget removes an entry, so that the next check asks the server.
func (v *versionCache) forget(key string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.last, key)
}
