# thinmend: check, dump, restore and repair dm-thin pool metadata
#
#   make               build all tools to build/bin/NAME
#   make check         build and run all tests
#   make coverage      which lines of common/ and docker_meta/ the tests run (gcovr); below 90 % it
#                      fails (UNITS=1: by the unit suites alone)
#   make mutants       change one token of common/ in 200 ways: do the unit suites fail?
#   make prove         no block whatever makes the decoders do what is undefined (Frama-C)
#   make check-loss    harm each block of each fixture in every way, repair, and say what was lost
#                      (EVERY=3: each third)
#   make check-corpus  give the fuzz targets their corpus, under the sanitizers of gcc and of clang
#   make check-faults  let each call of each tool fail, and kill it in the middle of each write
#                      (EVERY=7: each seventh; D=asan: leaks and sanitizers too)
#   make check-kernel  boot a kernel on what the tools write (qemu; tests/kernel)
#   make fuzz          look for new inputs that break a fuzz target: TARGET=check SECONDS=600, all of
#                      them in turn without TARGET (tests/fuzz; ENGINE=afl: AFL++, not libFuzzer)
#   make lint          every static analyser, zero findings (tests/lint/lint.sh)
#   make install       install to $(DESTDIR)$(prefix): sbin and share/man/man8
#   make uninstall     remove what install put there
#   make bench         compare with thin-provisioning-tools, where it is installed
#   make format        let clang-format rewrite the sources
#   make clean         remove build/
#   make help          print this
#
# Variables
#   V=1                print each command in full
#   D=asan             build with AddressSanitizer and UBSan, in build/asan/; D=clang: those of clang
#   STATIC=            link libaio and libjansson dynamically into thin_check and the like, too
#   CC= CFLAGS= LDFLAGS= prefix= sbindir= mandir= DESTDIR=     as everywhere
#
# Needs: gcc or clang, GNU make, pkg-config, xz, and the development files of libaio, zlib, expat,
# devmapper, jansson; criterion for the tests.  ./quickstart installs them on Debian.

prefix  ?= /usr/local
sbindir ?= $(prefix)/sbin
mandir  ?= $(prefix)/share/man
CFLAGS  ?= -O2 -g
INSTALL ?= install

TOOLS := thin_check thin_dump thin_restore thin_repair docker_meta

B := build
ifneq ($(D),)
B := build/$(D)
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer \
            -DTHINMEND_NO_SANDBOX
endif
# What drives the fuzz targets: files, or a fuzzer that comes with the compiler.
DRIVER := $(B)/obj/tests/fuzz/support/replay.o
ifeq ($(D),clang)
CC := clang
else ifeq ($(D),coverage)
SANITIZE :=
INSTRUMENT := --coverage -O0 -DTHINMEND_NO_SANDBOX
else ifneq ($(filter libfuzzer afl,$(D)),)
CC := $(if $(filter afl,$(D)),afl-clang-fast,clang)
SANITIZE += $(if $(filter libfuzzer,$(D)),-fsanitize=fuzzer-no-link)
DRIVER := -fsanitize=fuzzer
else ifeq ($(filter asan,$(D)),)
ifneq ($(D),)
$(error D=$(D): only asan, clang, coverage, libfuzzer and afl are known)
endif
endif
ifneq ($(V),1)
Q := @
say = @printf '  %-7s %s\n' $(1) $(2)
endif
# make -s is silent
ifneq ($(findstring s,$(firstword -$(MAKEFLAGS))),)
say =
endif

# libaio has no .pc file.
PACKAGES := zlib expat devmapper jansson nettle blkid
LIBS     := -laio $(shell pkg-config --libs $(PACKAGES))

# What thin_check needs goes into the initramfs with it: of these two it takes what it uses, where
# there is a static library (Debian has both).  STATIC= links all libraries dynamically.
STATIC   ?= aio jansson
static    = $(or $(realpath $(filter /%,$(shell $(CC) -print-file-name=lib$(1).a))),-l$(1))
THIN_LIBS := $(foreach l,$(STATIC),$(call static,$(l))) $(LIBS)
INCLUDES := $(shell pkg-config --cflags $(PACKAGES))
WARNINGS := -Wall -Wextra -Wconversion -Wsign-conversion -Wshadow -Wswitch-enum -Wundef -Wvla \
            -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Wwrite-strings

# What the compiler has: CET is x86's, and level 3 needs gcc 12 or clang 9 and glibc 2.34.
HASH     := \#
has       = $(shell $(CC) -Werror $(1) -x c -c -o /dev/null /dev/null 2>/dev/null && echo $(1))
level_3   = $(shell printf '$(HASH)include <features.h>\n_Static_assert(__USE_FORTIFY_LEVEL == 3, "");' | \
              $(CC) -O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -x c -c -o /dev/null - 2>/dev/null && echo 3)
FORTIFY  := -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=$(or $(level_3),2)
HARDEN   := -fPIE -fstack-protector-strong $(if $(SANITIZE)$(INSTRUMENT),-U_FORTIFY_SOURCE,$(FORTIFY)) \
            $(call has,-fstack-clash-protection) $(call has,-fcf-protection)
ALL_CFLAGS  = -std=gnu11 -D_GNU_SOURCE -I. $(WARNINGS) $(HARDEN) $(SANITIZE) \
              $(INCLUDES) $(CFLAGS) $(INSTRUMENT)
ALL_LDFLAGS = -pie -Wl,-z,relro,-z,now,-z,noexecstack,--as-needed $(SANITIZE) $(INSTRUMENT) $(LDFLAGS)

COMMON   := $(wildcard common/*/*.c)
LIB      := $(B)/libthinmend.a
DOCKER   := $(filter-out %/main.c,$(wildcard docker_meta/*.c docker_meta/*/*.c docker_meta/*/*/*.c))
DOCKERLIB := $(B)/libdocker_meta.a
FIXTURES := $(patsubst tests/fixtures/%.xz,build/fixtures/%,$(wildcard tests/fixtures/*.raw.xz tests/fixtures/lived/*.raw.xz tests/fixtures/bolt/*.db.xz))
SUPPORT  := $(wildcard tests/support/*.c)
SUITES   := $(patsubst tests/unit/%.c,$(B)/tests/%,$(wildcard tests/unit/*.c))

# What of a tool is in no library.
own = $(if $(filter docker_meta,$(1)),docker_meta/main.c,$(wildcard $(1)/*.c))

all: $(TOOLS:%=$(B)/bin/%)

# Other flags, other objects: the file changes when they do.
FLAGS := $(B)/flags
NOW   := $(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(THIN_LIBS)
ifneq ($(NOW),$(file <$(FLAGS)))
$(shell mkdir -p $(B))
$(file >$(FLAGS),$(NOW))
endif

$(B)/obj/%.o: %.c $(FLAGS)
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# These have files in them, which gcc -MMD does not see.
$(B)/obj/docker_meta/say/page/assets.o: docker_meta/say/page/page.css docker_meta/say/page/page.js
$(B)/obj/docker_meta/answers/script.o: $(wildcard docker_meta/answers/script/*.sh)

$(LIB): $(COMMON:%.c=$(B)/obj/%.o)
$(DOCKERLIB): $(DOCKER:%.c=$(B)/obj/%.o)
$(LIB) $(DOCKERLIB):
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

define tool_rule
$(B)/bin/$(1): $$(patsubst %.c,$(B)/obj/%.o,$(call own,$(1))) $(filter %/lib$(1).a,$(DOCKERLIB)) $(LIB)
	@mkdir -p $$(@D)
	$$(call say,LINK,$$@)
	$$(Q)$$(CC) $$(ALL_CFLAGS) $$(ALL_LDFLAGS) -o $$@ $$^ $$(if $(filter thin_%,$(1)),$$(THIN_LIBS),$$(LIBS))
endef
$(foreach t,$(TOOLS),$(eval $(call tool_rule,$(t))))

# ---- tests

build/fixtures/%: tests/fixtures/%.xz
	@mkdir -p $(@D)
	$(Q)xz -dc $< | dd of=$@.tmp bs=64k conv=sparse status=none && mv $@.tmp $@

fixtures: $(FIXTURES)

# Allocations and libaio fail when a test says so (tests/support/alloc_fault.h, aio_fault.h).
FAULTY := $(addprefix alloc_,array grow aligned string printf vprintf) io_setup io_submit io_getevents
$(B)/tests/%: $(B)/obj/tests/unit/%.o $(SUPPORT:%.c=$(B)/obj/%.o) $(DOCKERLIB) $(LIB)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(FAULTY:%=-Wl,--wrap=%) -o $@ $^ $(LIBS) \
		$$(pkg-config --libs criterion)

$(B)/tools/%: $(B)/obj/tests/tools/%.o $(SUPPORT:%.c=$(B)/obj/%.o) $(DOCKERLIB) $(LIB)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

damage: $(B)/tools/damage

# The tools' own objects, but that a parser does what an intruder would (tests/tools/breach.c).
WRAPPED := btree_node_decode xml_parse daemon_json_parse docker_state_read
breach: $(TOOLS:%=$(B)/breach/%)
define breach_rule
$(B)/breach/$(1): $$(patsubst %.c,$(B)/obj/%.o,$(call own,$(1))) $(B)/obj/tests/tools/breach.o $(DOCKERLIB) $(LIB)
	@mkdir -p $$(@D)
	$$(call say,LINK,$$@)
	$$(Q)$$(CC) $$(ALL_CFLAGS) $$(ALL_LDFLAGS) $(WRAPPED:%=-Wl,--wrap=%) -o $$@ $$^ $$(LIBS)
endef
$(foreach t,$(TOOLS),$(eval $(call breach_rule,$(t))))

# A host of Docker's of any size, to see what docker_meta costs there (bench/make_docker_host.c).
docker-host: $(B)/tools/make_docker_host
$(B)/tools/make_docker_host: $(B)/obj/bench/make_docker_host.o $(DOCKERLIB) $(LIB)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

# A fuzz target, and what drives it (tests/fuzz/support/fuzz.h).  docker_meta is in it but for main().
FUZZERS := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/*.c))
FUZZ_OBJECTS := $(patsubst %.c,$(B)/obj/%.o,$(filter-out %/replay.c,$(wildcard tests/fuzz/support/*.c)) $(SUPPORT))
$(B)/fuzz/%: $(B)/obj/tests/fuzz/%.o $(FUZZ_OBJECTS) $(filter %.o,$(DRIVER)) $(DOCKERLIB) $(LIB)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(filter-out %.o,$(DRIVER)) $(LIBS)

fuzzers: $(FUZZERS:%=$(B)/fuzz/%)

TARGET  ?= $(FUZZERS)
SECONDS ?= 60
ENGINE  ?= libfuzzer
fuzz: fixtures
	$(Q)$(MAKE) D=$(ENGINE) $(TARGET:%=build/$(ENGINE)/fuzz/%)
	$(Q)tests/fuzz/run.sh $(ENGINE) $(SECONDS) $(TARGET)

check-corpus: fixtures
	$(Q)$(MAKE) D=asan fuzzers
	$(Q)$(MAKE) D=clang fuzzers
	$(Q)tests/cases/fuzz_corpus.sh build/asan && tests/cases/fuzz_corpus.sh build/clang

EVERY ?= 1
WAYS := zero random stale swap cut headless few storm
check-loss: $(WAYS:%=check-loss-%)
check-loss-%: $(B)/tools/loss fixtures
	$(Q)$(B)/tools/loss -e $(EVERY) $* $(filter-out lived/%,$(patsubst build/fixtures/%.raw,%,$(filter %.raw,$(FIXTURES))))

# ---- faults: what is preloaded is no part of a program, and has no sanitizer in it

# Their tools have libaio as a shared library, or nothing could come between.
FAULTS := $(B)/faults/inject.so $(B)/faults/check $(TOOLS:%=$(B)/faults/bin/%)
define fault_tool_rule
$(B)/faults/bin/$(1): $(B)/bin/$(1)
	@mkdir -p $$(@D)
	$$(call say,LINK,$$@)
	$$(Q)$$(CC) $$(ALL_CFLAGS) $$(ALL_LDFLAGS) -o $$@ $$(filter %.o %.a,$$(patsubst %.c,$(B)/obj/%.o,\
		$(call own,$(1))) $(filter %/lib$(1).a,$(DOCKERLIB)) $(LIB)) $$(LIBS)
endef
$(foreach t,$(TOOLS),$(eval $(call fault_tool_rule,$(t))))
$(B)/faults/inject.so: tests/faults/inject.c tests/faults/faults.h $(FLAGS)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE -I. $(WARNINGS) -O1 -g -fno-omit-frame-pointer -fPIC -shared \
		-o $@ $<

$(B)/faults/check: $(patsubst %.c,$(B)/obj/%.o,$(filter-out %/inject.c,$(wildcard tests/faults/*.c)) \
		$(SUPPORT)) $(DOCKERLIB) $(LIB)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

ROOMS := check- dump restore repair docker-
# thin-provisioning-tools, to judge along; a line where they cannot be had.
build/peers:
	$(Q)tests/kernel/peers.sh $@

check-faults: $(ROOMS:%=check-faults-%)
check-faults-%: all fixtures damage $(FAULTS) build/peers
	$(Q)tests/faults/check.sh $(B) $* $(EVERY)

check: all fixtures damage breach fuzzers $(SUITES)
	$(Q)tests/run.sh $(B)

# What the tests run of common/ and docker_meta/, line by line (gcovr).
coverage:
	$(Q)$(MAKE) --no-print-directory D=coverage all fixtures damage breach fuzzers units
	$(Q)tests/coverage.sh build/coverage $(if $(filter 1,$(UNITS)),units)
units: $(SUITES)

# For tests/mutants/mutants.py.
libs:
	@printf '%s\n' '$(LIBS)'
# Likewise of what tests let fail.
wraps:
	@echo $(FAULTY:%=-Wl,--wrap=%)

# Do the unit suites see when one token of common/ is changed?
mutants: fixtures
	$(Q)tests/mutants/mutants.py

# No block makes the decoders do what is undefined (Frama-C).
prove:
	$(Q)tests/prove/prove.sh

check-kernel: all fixtures damage breach $(B)/tools/mutate $(B)/tools/read_blocks $(B)/tools/replay_log
	$(Q)./quickstart kernel-deps && tests/kernel/check.sh $(B)

lint: fixtures
	$(Q)tests/lint/lint.sh

bench: all
	$(Q)bench/run.sh $(B)/bin

format:
	clang-format -i $$(git ls-files '*.c' '*.h')

# ---- installation

install: all
	$(INSTALL) -d $(DESTDIR)$(sbindir) $(DESTDIR)$(mandir)/man8
	$(INSTALL) -m 755 $(TOOLS:%=$(B)/bin/%) $(DESTDIR)$(sbindir)
	$(INSTALL) -m 644 $(foreach t,$(TOOLS),$(t)/$(t).8) $(DESTDIR)$(mandir)/man8

uninstall:
	rm -f $(TOOLS:%=$(DESTDIR)$(sbindir)/%) $(TOOLS:%=$(DESTDIR)$(mandir)/man8/%.8)

clean:
	rm -rf build

help:
	@sed -n '/^#/!q; s/^# \{0,1\}//p' Makefile

.PHONY: all breach check units coverage mutants libs wraps prove check-loss check-kernel damage docker-host lint bench format fixtures install uninstall clean help check-corpus fuzz fuzzers check-faults
.SECONDARY:

-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)
