package s3store

import (
	"sync"
	"time"

	"example.com/rotatelog"
)

// sights are what a store saw last of some keys. They save a request: before an
// upload that no condition protects is completed, the object must still be what it
// was, and it need not be asked for what was just seen.
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
	cacheAge  = 30 * time.Second // for which one is good
)

func (v *versionCache) record(key string, version rotatelog.Version) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.last == nil || len(v.last) >= maxCached {
		v.last = map[string]cachedVersion{}
	}
	v.last[key] = cachedVersion{version, time.Now()}
}

// current reports whether that version was seen a short time ago, and no other
// since.
func (v *versionCache) isCurrent(key string, version rotatelog.Version) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	s, ok := v.last[key]
	return ok && s.version == version && time.Since(s.at) < cacheAge
}

// forget makes the next look one at the object.
func (v *versionCache) forget(key string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.last, key)
}
