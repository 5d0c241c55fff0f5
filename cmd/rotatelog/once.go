package main

import "example.com/rotatelog"

// With --once a fetch is stored once by its content. An answer of the API that gets an
// envelope has a time and a number in there, so its own content becomes the id of the
// envelope.

// onceIdentity returns what says that two fetches are the same one.
func onceIdentity(envelope bool) func(fetch []byte) (string, error) {
	if envelope {
		return rotatelog.HeaderIdentity
	}
	return rotatelog.ContentIdentity
}

// answerID returns the random_fetch_id of an answer that is to be stored once: 32
// hexadecimal digits of its SHA-256.
func answerID(answer []byte) (string, error) {
	id, err := rotatelog.ContentIdentity(answer)
	if err != nil {
		return "", err
	}
	return id[:32], nil
}
