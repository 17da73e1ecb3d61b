// What the page calls.
#pragma once

#define CP_EXPORT(name) extern "C" __attribute__((export_name(#name)))
