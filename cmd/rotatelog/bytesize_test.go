package main

import "testing"

func TestByteSize(t *testing.T) {
	for text, want := range map[string]int64{
		"1": 1, "500": 500, "500B": 500, "1kB": 1000, "1KB": 1000, "1KiB": 1024, "500MB": 500e6, "500 MB": 500e6,
		"2GiB": 2 << 30, "1.5GiB": 3 << 29, "2147483648": 2 << 30, "1TB": 1e12, "1TiB": 1 << 40,
	} {
		var got byteSize
		if err := got.UnmarshalText([]byte(text)); err != nil || int64(got) != want {
			t.Errorf("%s is %d, %v, want %d", text, got, err, want)
		}
	}
	for _, odd := range []string{"", "0", "-1", "-2GiB", "2G", "2Gi", "GiB", "2 giBB", "2iB", "1e400", "NaN", "Inf", "9000000TiB", "2GB2", "two"} {
		var got byteSize
		if err := got.UnmarshalText([]byte(odd)); err == nil {
			t.Errorf("%q was taken for %d", odd, got)
		}
	}
}
