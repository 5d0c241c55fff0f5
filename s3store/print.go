package s3store

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
)

// A Store and its options are printed without the key, in any format.

// Format implements [fmt.Formatter] with String, whatever the verb.
func (o Options) Format(f fmt.State, _ rune) { io.WriteString(f, o.String()) }

// LogValue implements [slog.LogValuer] with String.
func (o Options) LogValue() slog.Value { return slog.StringValue(o.String()) }

// MarshalJSON implements [json.Marshaler]. Options with a key cannot be
// unmarshaled: they would be options that store without encryption.
func (o Options) MarshalJSON() ([]byte, error) {
	var key *string
	if o.EncryptionKey != nil {
		key = new("(not shown)")
	}
	return json.Marshal(struct {
		Encrypt, Shared bool
		EncryptionKey   *string
		TempDir         string
	}{o.Encrypt, o.Shared, key, o.TempDir})
}

// Format implements [fmt.Formatter] with String, whatever the verb.
func (s *Store) Format(f fmt.State, _ rune) { io.WriteString(f, s.String()) }

// LogValue implements [slog.LogValuer] with String.
func (s *Store) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText implements [encoding.TextMarshaler] with String.
func (s *Store) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
