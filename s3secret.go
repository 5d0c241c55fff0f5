package rotatelog

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
)

// How an S3Store and its options are printed, by whatever prints them: without
// the key.

// Format implements [fmt.Formatter] with String, whatever the verb.
func (o S3Options) Format(f fmt.State, _ rune) { io.WriteString(f, o.String()) }

// LogValue implements [slog.LogValuer] with String.
func (o S3Options) LogValue() slog.Value { return slog.StringValue(o.String()) }

// MarshalJSON implements [json.Marshaler]. The options with a key cannot be
// unmarshaled again: they would be options that store without encryption.
func (o S3Options) MarshalJSON() ([]byte, error) {
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
func (s *S3Store) Format(f fmt.State, _ rune) { io.WriteString(f, s.String()) }

// LogValue implements [slog.LogValuer] with String.
func (s *S3Store) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText implements [encoding.TextMarshaler] with String.
func (s *S3Store) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
