//! Currencies: those of ISO 4217, and no others.

use std::fmt;
use std::str::FromStr;

use super::money::AmountError;

/// A currency that ISO 4217 knows and that is in use: its code, its number, and into how many decimals its
/// unit is divided.
///
/// Gold, test codes and what was replaced by another currency are none. What a gateway does otherwise than ISO
/// says is that gateway's affair.
///
/// ```
/// use donjon::payment::Currency;
///
/// let yen: Currency = "JPY".parse()?;
/// assert_eq!((yen.code(), yen.number(), yen.exponent()), ("JPY", 392, 0));
/// assert_eq!(yen, Currency::JPY);
/// assert!("XYZ".parse::<Currency>().is_err() && "eur".parse::<Currency>().is_err());
/// # Ok::<_, donjon::payment::AmountError>(())
/// ```
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct Currency {
    code: &'static str,
    number: u16,
    exponent: u8,
}

impl Currency {
    /// Its three letters: `EUR`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        self.code
    }

    /// Its number: 978 for the euro. It is written with three digits.
    #[must_use]
    pub const fn number(self) -> u16 {
        self.number
    }

    /// How many decimals its unit has: 2 for the euro, 0 for the yen, 3 for the dinar of Kuwait.
    #[must_use]
    pub const fn exponent(self) -> u8 {
        self.exponent
    }
}

/// By its three capital letters.
impl FromStr for Currency {
    type Err = AmountError;

    fn from_str(code: &str) -> Result<Self, AmountError> {
        let found = Self::EVERY.iter().find(|currency| currency.code == code);
        found.copied().ok_or(AmountError::Currency)
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code)
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code)
    }
}

macro_rules! currencies {
    ($($code:ident $number:literal $exponent:literal $name:literal,)+) => {
        impl Currency {
            /// Every currency, by its code.
            pub const EVERY: &[Self] = &[$(Self::$code),+];

            $(
                #[doc = concat!($name, ".")]
                pub const $code: Self =
                    Self { code: stringify!($code), number: $number, exponent: $exponent };
            )+
        }
    };
}

currencies! {
    AED 784 2 "United Arab Emirates dirham",
    AFN 971 2 "Afghan afghani",
    ALL 8 2 "Albanian lek",
    AMD 51 2 "Armenian dram",
    XCG 532 2 "Caribean guilder",
    AOA 973 2 "Angolan kwanza",
    ARS 32 2 "Argentine peso",
    AUD 36 2 "Australian dollar",
    AWG 533 2 "Aruban florin",
    AZN 944 2 "Azerbaijani manat",
    BAM 977 2 "Bosnia and Herzegovina convertible mark",
    BBD 52 2 "Barbados dollar",
    BDT 50 2 "Bangladeshi taka",
    BHD 48 3 "Bahraini dinar",
    BIF 108 0 "Burundian franc",
    BMD 60 2 "Bermudian dollar",
    BND 96 2 "Brunei dollar",
    BOB 68 2 "Boliviano",
    BOV 984 2 "Bolivian Mvdol",
    BRL 986 2 "Brazilian real",
    BSD 44 2 "Bahamian dollar",
    BTN 64 2 "Bhutanese ngultrum",
    BWP 72 2 "Botswana pula",
    BYN 933 2 "Belarusian ruble",
    BZD 84 2 "Belize dollar",
    CAD 124 2 "Canadian dollar",
    CDF 976 2 "Congolese franc",
    CHE 947 2 "WIR Euro",
    CHF 756 2 "Swiss franc",
    CHW 948 2 "WIR Franc",
    CLF 990 4 "Unidad de Fomento",
    CLP 152 0 "Chilean peso",
    CNY 156 2 "Renminbi (Chinese) yuan",
    COP 170 2 "Colombian peso",
    COU 970 2 "Unidad de Valor Real (UVR)",
    CRC 188 2 "Costa Rican colon",
    CUP 192 2 "Cuban peso",
    CVE 132 2 "Cape Verdean escudo",
    CZK 203 2 "Czech koruna",
    DJF 262 0 "Djiboutian franc",
    DKK 208 2 "Danish krone",
    DOP 214 2 "Dominican peso",
    DZD 12 2 "Algerian dinar",
    EGP 818 2 "Egyptian pound",
    ERN 232 2 "Eritrean nakfa",
    ETB 230 2 "Ethiopian birr",
    EUR 978 2 "Euro",
    FJD 242 2 "Fiji dollar",
    FKP 238 2 "Falkland Islands pound",
    GBP 826 2 "Pound sterling",
    GEL 981 2 "Georgian lari",
    GHS 936 2 "Ghanaian cedi",
    GIP 292 2 "Gibraltar pound",
    GMD 270 2 "Gambian dalasi",
    GNF 324 0 "Guinean franc",
    GTQ 320 2 "Guatemalan quetzal",
    GYD 328 2 "Guyanese dollar",
    HKD 344 2 "Hong Kong dollar",
    HNL 340 2 "Honduran lempira",
    HTG 332 2 "Haitian gourde",
    HUF 348 2 "Hungarian forint",
    IDR 360 2 "Indonesian rupiah",
    ILS 376 2 "Israeli new shekel",
    INR 356 2 "Indian rupee",
    IQD 368 3 "Iraqi dinar",
    IRR 364 2 "Iranian rial",
    ISK 352 0 "Icelandic króna",
    JMD 388 2 "Jamaican dollar",
    JOD 400 3 "Jordanian dinar",
    JPY 392 0 "Japanese yen",
    KES 404 2 "Kenyan shilling",
    KGS 417 2 "Kyrgyzstani som",
    KHR 116 2 "Cambodian riel",
    KMF 174 0 "Comoro franc",
    KPW 408 2 "North Korean won",
    KRW 410 0 "South Korean won",
    KWD 414 3 "Kuwaiti dinar",
    KYD 136 2 "Cayman Islands dollar",
    KZT 398 2 "Kazakhstani tenge",
    LAK 418 2 "Lao kip",
    LBP 422 2 "Lebanese pound",
    LKR 144 2 "Sri Lankan rupee",
    LRD 430 2 "Liberian dollar",
    LSL 426 2 "Lesotho loti",
    LYD 434 3 "Libyan dinar",
    MAD 504 2 "Moroccan dirham",
    MDL 498 2 "Moldovan leu",
    MGA 969 2 "Malagasy ariary",
    MKD 807 2 "Macedonian denar",
    MMK 104 2 "Myanmar kyat",
    MNT 496 2 "Mongolian tögrög",
    MOP 446 2 "Macanese pataca",
    MRU 929 2 "Mauritanian ouguiya",
    MUR 480 2 "Mauritian rupee",
    MVR 462 2 "Maldivian rufiyaa",
    MWK 454 2 "Malawian kwacha",
    MXN 484 2 "Mexican peso",
    MXV 979 2 "Mexican Unidad de Inversion (UDI)",
    MYR 458 2 "Malaysian ringgit",
    MZN 943 2 "Mozambican metical",
    NAD 516 2 "Namibian dollar",
    NGN 566 2 "Nigerian naira",
    NIO 558 2 "Nicaraguan córdoba",
    NOK 578 2 "Norwegian krone",
    NPR 524 2 "Nepalese rupee",
    NZD 554 2 "New Zealand dollar",
    OMR 512 3 "Omani rial",
    PAB 590 2 "Panamanian balboa",
    PEN 604 2 "Peruvian sol",
    PGK 598 2 "Papua New Guinean kina",
    PHP 608 2 "Philippine peso",
    PKR 586 2 "Pakistani rupee",
    PLN 985 2 "Polish złoty",
    PYG 600 0 "Paraguayan guaraní",
    QAR 634 2 "Qatari riyal",
    RON 946 2 "Romanian leu",
    RSD 941 2 "Serbian dinar",
    RUB 643 2 "Russian ruble",
    RWF 646 0 "Rwandan franc",
    SAR 682 2 "Saudi riyal",
    SBD 90 2 "Solomon Islands dollar",
    SCR 690 2 "Seychelles rupee",
    SDG 938 2 "Sudanese pound",
    SEK 752 2 "Swedish krona/kronor",
    SGD 702 2 "Singapore dollar",
    SHP 654 2 "Saint Helena pound",
    SLE 925 2 "Sierra Leonean leone",
    SOS 706 2 "Somali shilling",
    SRD 968 2 "Surinamese dollar",
    SSP 728 2 "South Sudanese pound",
    STN 930 2 "São Tomé and Príncipe dobra",
    SVC 222 2 "Salvadoran colón",
    SYP 760 2 "Syrian pound",
    SZL 748 2 "Swazi lilangeni",
    THB 764 2 "Thai baht",
    TJS 972 2 "Tajikistani somoni",
    TMT 934 2 "Turkmenistan manat",
    TND 788 3 "Tunisian dinar",
    TOP 776 2 "Tongan paʻanga",
    TRY 949 2 "Turkish lira",
    TTD 780 2 "Trinidad and Tobago dollar",
    TWD 901 2 "New Taiwan dollar",
    TZS 834 2 "Tanzanian shilling",
    UAH 980 2 "Ukrainian hryvnia",
    UGX 800 0 "Ugandan shilling",
    USD 840 2 "United States dollar",
    USN 997 2 "United States dollar (next day)",
    UYI 940 0 "Uruguay Peso en Unidades Indexadas (URUIURUI)",
    UYU 858 2 "Uruguayan peso",
    UYW 927 4 "Unidad previsional",
    UZS 860 2 "Uzbekistan som",
    VED 926 2 "Venezuelan bolívar soberano",
    VES 928 2 "Venezuelan bolívar soberano",
    VND 704 0 "Vietnamese đồng",
    VUV 548 0 "Vanuatu vatu",
    WST 882 2 "Samoan tala",
    XAF 950 0 "CFA franc BEAC",
    XCD 951 2 "East Caribbean dollar",
    XOF 952 0 "CFA franc BCEAO",
    XPF 953 0 "CFP franc (franc Pacifique)",
    YER 886 2 "Yemeni rial",
    ZAR 710 2 "South African rand",
    ZMW 967 2 "Zambian kwacha",
    ZWG 924 2 "Zimbabwe Gold",
}
