package rotatelog

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"reflect"
	"runtime"

	"example.com/rotatelog/internal/hint"
	"example.com/rotatelog/internal/rawjson"
)

// HeaderIdentity returns the id that a fetch has in its header: the value of
// FETCH_HEADER.random_fetch_id, a string or a number, as JSON. The string "7" and the
// number 7 are different ids, and so are 7 and 7.0. It returns "" if there is no id, or
// if that is null or empty.
//
// It is meant for Config.Identity. A fetch that AppendFetch makes has the id [Fetch].ID.
// Without that the id is random, so the fetch is stored in any case.
func HeaderIdentity(fetch []byte) (string, error) {
	const header, member = "FETCH_HEADER", "random_fetch_id"
	var value []byte
	var err error
	if h, ok := rawjson.SoleMember(fetch, header); ok && h[0] == '{' {
		value, err = rawjson.Lookup(h, member)
	} else {
		value, err = rawjson.Lookup(fetch, header, member)
	}
	if err != nil {
		return "", hint.Add(fmt.Errorf("no id in this fetch: %w", err), "correct it, or use another Config.Identity")
	}
	return idOf(value)
}

// idOf returns an id as JSON, each string spelled one way.
func idOf(value []byte) (string, error) {
	switch {
	case isNull(value), string(value) == `""`:
		return "", nil
	case value[0] == '"':
		text, err := rawjson.Unquote(value)
		if err != nil { // it has half a surrogate pair, of which others would make U+FFFD
			return string(value), nil
		}
		return string(rawjson.AppendString(nil, text)), nil
	case value[0] == '-', '0' <= value[0] && value[0] <= '9':
		return string(value), nil
	}
	return "", hint.Add(fmt.Errorf("FETCH_HEADER.random_fetch_id is %s, neither a string nor a number", rawjson.Excerpt(value)),
		"correct it, or use another Config.Identity")
}

// ContentIdentity returns the SHA-256 of a fetch without the white space between its
// tokens, in hexadecimal. Two fetches are the same if they have the same tokens in the
// same order, spelled alike.
//
// It is meant for Config.Identity, for a source that delivers fetches as they are to be
// stored. What AppendFetch makes has the time in it, and a number of its own, so each is
// another fetch; give [Fetch].ID there, and use HeaderIdentity.
func ContentIdentity(fetch []byte) (string, error) {
	h := sha256.New()
	rawjson.WriteCompact(h, dropBOM(fetch))
	return hex.EncodeToString(h.Sum(nil)), nil
}

// identityOf returns the identity of a fetch that is to be stored, "" if it has none.
func (cfg *Config) identityOf(fetch []byte) (string, error) {
	if cfg.Identity == nil {
		return "", nil
	}
	id, err := cfg.callIdentity(fetch)
	if err != nil {
		return "", fmt.Errorf("%w: its identity: %w", ErrInvalidFetch, err)
	}
	return id, nil
}

// callIdentity calls Identity, which a user may have written. A panic in it is returned
// as an error, or a fetch could end the program at each start.
func (cfg *Config) callIdentity(fetch []byte) (id string, err error) {
	defer func() {
		if p := recover(); p != nil {
			id, err = "", fmt.Errorf("Config.Identity panicked: %v", p)
		}
	}()
	return cfg.Identity(fetch)
}

// aloneBelow is the size of a fetch, in bytes, below which it is not worth while to find
// its identity in a goroutine of its own.
const aloneBelow = 64 << 10

// beginIdentity finds the identity of a fetch while the caller does something else with
// it, and returns what waits for that.
func (cfg *Config) beginIdentity(fetch []byte) func() (string, error) {
	if cfg.Identity == nil || len(fetch) < aloneBelow {
		return func() (string, error) { return cfg.identityOf(fetch) }
	}
	var id string
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		id, err = cfg.identityOf(fetch)
	}()
	return func() (string, error) {
		<-done
		return id, err
	}
}

// An identityHash stands for an identity. Two identities may share one, so it only says
// where to look. noIdentity stands for none.
type identityHash uint64

const noIdentity identityHash = 0

func hashOf(identity string) identityHash {
	if identity == "" {
		return noIdentity
	}
	sum := sha256.Sum256([]byte(identity))
	return max(identityHash(binary.BigEndian.Uint64(sum[:])), 1)
}

// storedHash returns the hash of a fetch that is stored, perhaps before there was an
// Identity. If that cannot be had the fetch has none.
func (cfg *Config) storedHash(fetch []byte) identityHash {
	id, err := cfg.callIdentity(fetch)
	if err != nil {
		return noIdentity
	}
	return hashOf(id)
}

// identityName returns the name of the function Identity, as the compiler gives it.
func (cfg *Config) identityName() string {
	f := runtime.FuncForPC(reflect.ValueOf(cfg.Identity).Pointer())
	if f == nil {
		return ""
	}
	return f.Name()
}
