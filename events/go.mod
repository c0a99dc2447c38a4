module github.com/songan-vn/songan/events

go 1.26
