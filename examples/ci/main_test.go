package main

import (
	"net/http/httptest"
	"testing"
)

func TestAnswer_differs(t *testing.T) {
	first, second := httptest.NewRecorder(), httptest.NewRecorder()
	answer(first, nil)
	answer(second, nil)
	if first.Body.String() == second.Body.String() {
		t.Error("two requests have one identifier: ", first.Body)
	}
}
